// The synopsis of the Net::SIP::Registrar manual, as a program: a registrar for two domains, bindings in memory.
// Run it with `node examples/registrar.mjs [PORT]`; register with
//   sipsak -U -p 127.0.0.1:5060 -s sip:alice@example.com -C sip:alice@127.0.0.1:5099 -x 60
import { Dispatcher, ReceiveChain, Registrar, tcp, udp } from "rollcall";

const port = Number(process.argv[2] ?? 5060);
const dispatcher = new Dispatcher({
  legs: [udp({ host: "127.0.0.1", port }), tcp({ host: "127.0.0.1", port })],
});
const registrar = new Registrar({
  dispatcher,
  minExpires: 10,
  maxExpires: 60,
  domains: ["example.com", "example.org"],
});

// any object with receive can stand in a chain: this one only tells what passes by
const narrator = {
  receive(packet, _leg, from) {
    if (packet.kind === "request") console.log(`${packet.method} from ${from.address}:${from.port}`);
    return undefined;
  },
};
dispatcher.setReceiver(new ReceiveChain([narrator, registrar]));
await dispatcher.start();
console.log(
  `listening on ${dispatcher.legs.map((leg) => `${leg.transport}:${leg.local.address}:${leg.local.port}`).join(" ")}`,
);

process.on("SIGINT", stop);
process.on("SIGTERM", stop);
async function stop() {
  console.log(`alice is at ${(await registrar.query("sip:alice@example.com")).join(", ") || "no phone"}`);
  await dispatcher.close();
  await registrar.close();
}
