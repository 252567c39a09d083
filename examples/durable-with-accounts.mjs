// A closed registrar that keeps what it acknowledged: accounts and bindings in one LMDB folder.
// Run it with `node examples/durable-with-accounts.mjs FOLDER [PORT]`; alice's password is "wonderland".
import {
  Authorize,
  Dispatcher,
  ha1sOf,
  lmdbEnvironment,
  nodeHasher,
  ReceiveChain,
  Registrar,
  udp,
} from "rollcall";

const [folder = "./rollcall-data", port = "5060"] = process.argv.slice(2);
const store = lmdbEnvironment({ path: folder });
const account = { user: "alice", realm: "example.com" };
await store.accounts.set(account.user, account.realm, ha1sOf(nodeHasher(), account, "wonderland"));

const dispatcher = new Dispatcher({ legs: [udp({ host: "127.0.0.1", port: Number(port) })] });
const authorize = new Authorize({
  dispatcher,
  realm: account.realm,
  source: store.accounts,
  secrets: store.secrets,
});
const registrar = new Registrar({ dispatcher, domains: [account.realm], store: store.locations });
dispatcher.setReceiver(new ReceiveChain([authorize, registrar]));
await dispatcher.start();
console.log(`listening on udp:127.0.0.1:${dispatcher.legs[0].local.port}`);

process.on("SIGINT", stop);
process.on("SIGTERM", stop);
async function stop() {
  await dispatcher.close();
  await registrar.close();
  await store.close();
}
