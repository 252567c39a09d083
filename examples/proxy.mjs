// A registrar and the proxy that calls whoever is registered with it, in one program, bindings in memory.
// Run it with `node examples/proxy.mjs [PORT]`, let two phones register as alice and bob at example.com with this server as
// their outbound proxy, and let one call the other.
import {
  createResolver,
  Dispatcher,
  nodeDns,
  ReceiveChain,
  Registrar,
  Proxy as SipProxy,
  tcp,
  udp,
} from "rollcall";

const port = Number(process.argv[2] ?? 5060);
const dispatcher = new Dispatcher({
  legs: [udp({ host: "127.0.0.1", port }), tcp({ host: "127.0.0.1", port })],
});
const domains = ["example.com"];
const registrar = new Registrar({ dispatcher, domains });
// finds servers by DNS (RFC 3263): for contacts and Paths that hold names
const { clock, entropy } = dispatcher;
const resolver = createResolver({ dns: nodeDns(), clock, entropy, transports: ["udp", "tcp"] });
// looks where the registrar keeps its bindings; what leaves the domain would go by way of outgoingProxy, if one were named
const proxy = new SipProxy({
  dispatcher,
  domains,
  store: registrar.store,
  resolve: resolver.resolve,
  markFailed: resolver.markFailed,
});

dispatcher.setReceiver(new ReceiveChain([registrar, proxy]), {
  allow: ["REGISTER", "OPTIONS", "INVITE", "ACK", "CANCEL", "BYE", "MESSAGE"],
});
await dispatcher.start();
const listeners = dispatcher.legs.map((leg) => `${leg.transport}:${leg.local.address}:${leg.local.port}`);
console.log(`listening on ${listeners.join(" ")}`);

process.on("SIGINT", stop);
process.on("SIGTERM", stop);
async function stop() {
  const { forwarded, refused } = proxy.counts();
  console.log(`${forwarded} requests forwarded, ${refused} refused`);
  await dispatcher.close();
  await registrar.close();
}
