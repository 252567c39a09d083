// A closed registrar that keeps what it acknowledged: accounts and bindings in one LMDB folder.
// Run it with `node examples/durable-with-accounts.mjs FOLDER [PORT]`; alice's password is "wonderland".
import { Authorize, Dispatcher, ha1For, lmdbEnvironment, nodeHasher, ReceiveChain, Registrar, udp } from "rollcall";

const [folder = "./rollcall-data", port = "5060"] = process.argv.slice(2);
const store = lmdbEnvironment({ path: folder });
const hasher = nodeHasher;
const realm = "example.com";
await store.accounts.set("alice", realm, {
  MD5: ha1For(hasher, "alice", realm, "wonderland", "MD5"),
  "SHA-256": ha1For(hasher, "alice", realm, "wonderland", "SHA-256"),
});

const dispatcher = new Dispatcher({ legs: [udp({ host: "127.0.0.1", port: Number(port) })] });
const authorize = new Authorize({ dispatcher, realm, source: store.accounts, secrets: store.secrets });
const registrar = new Registrar({ dispatcher, domains: [realm], store: store.locations });
dispatcher.setReceiver(new ReceiveChain([authorize, registrar]));
await dispatcher.start();
console.log(`listening on udp:127.0.0.1:${dispatcher.legs[0].local.port}`);

process.on("SIGTERM", async () => {
  await dispatcher.close();
  await store.close();
});
