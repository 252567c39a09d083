/** Public API of Rollcall. Everything named here is described in docs/, and changes with a line in CHANGELOG.md. */

export type { AttemptWatcher, AuthOutcome, AuthReport, Challenged, NonceLedger } from "./auth/attempts.js";
export type { AuthorizeRules } from "./auth/policy.js";
export type { RealmOptions } from "./auth/realms.js";
export type {
  AccountName,
  AccountStore,
  CredentialSource,
  DigestAlgorithm,
  Ha1Answer,
  Ha1ByAlgorithm,
  Ha1Set,
  Hasher,
  SecretStore,
} from "./auth/source.js";
export { type Gruu, type GruuOptions, gruu } from "./extension/gruu.js";
export { type OutboundOptions, outbound } from "./extension/outbound.js";
export { type PathOptions, path } from "./extension/path.js";
export { type ServiceRouteRule, serviceRoute } from "./extension/service-route.js";
export type { Binding, Bindings } from "./location/binding.js";
export {
  type Change,
  type Decision,
  type LocationEvent,
  type LocationEventKind,
  type LocationStore,
  type ScanOptions,
  type ScanPage,
  StoreError,
  type StoreErrorCode,
} from "./location/store.js";
export { type Difference, edit } from "./message/edit.js";
export type { SipMessage, SipRequest, SipResponse } from "./message/message.js";
export { type NameAddr, parseNameAddr } from "./message/name-addr.js";
export { type ParseResult, parseMessage } from "./message/parse.js";
export { type ResponseParts, respond } from "./message/respond.js";
export {
  type HeaderField,
  type MaybePromise,
  type Rejection,
  type Result,
  reject,
} from "./message/result.js";
export { equalSipUris, parseSipUri, type SipUri, writeSipUri } from "./message/uri.js";
export type { Clock, Timer } from "./port/clock.js";
export type { Entropy } from "./port/entropy.js";
export type { Endpoint, Flow, Leg, LegEvents, SendResult, Transport } from "./port/leg.js";
export type { Log } from "./port/log.js";
export type { Identity, ReceiveContext, Receiver } from "./port/receiver.js";
export type { Delivery, Draft } from "./proxy/deliver.js";
export type { ProxyOptions, UserState } from "./proxy/options.js";
export { Redirect, type RedirectOptions } from "./proxy/redirect.js";
export { StatefulProxy as Proxy } from "./proxy/stateful-proxy.js";
export { StatelessProxy } from "./proxy/stateless-proxy.js";
export type { BindHook, RegisterFacts } from "./registrar/decide.js";
export type { RegisterDraft } from "./registrar/draft.js";
export type { RegistrarExtension } from "./registrar/extension.js";
export { Authorize } from "./server/authorize.js";
export type { AuthorizeOptions } from "./server/authorize-options.js";
export { type Announced, Dispatcher, type DispatcherOptions } from "./server/dispatcher.js";
export { Guard } from "./server/guard.js";
export type { GuardOptions } from "./server/guard-options.js";
export { nodeHasher } from "./server/hasher.js";
export { type PacketFilter, ReceiveChain, type ReceiveChainOptions } from "./server/receive-chain.js";
export { Registrar, type RegistrarOptions } from "./server/registrar.js";
export { ha1sOf } from "./server/user-account.js";
export { type LmdbStoreOptions, type LmdbStores, lmdbEnvironment, lmdbStore } from "./storage/lmdb.js";
export { type MemoryStoreOptions, memoryStore } from "./storage/memory.js";
export { type ConnectionBounds, ConnectionBudget } from "./transport/connection-budget.js";
export type { ConnectionOptions } from "./transport/connection-options.js";
export { createResolver, type Resolver, type ResolverOptions, type Target } from "./transport/resolve.js";
export { type Dns, nodeDns } from "./transport/resolve-dns.js";
export type { SecureLeg, SecureOptions, TlsMaterial } from "./transport/secure-contexts.js";
export { tcp } from "./transport/tcp.js";
export { type TlsOptions, tls } from "./transport/tls.js";
export { type UdpOptions, udp } from "./transport/udp.js";
export { type WsOptions, type WssOptions, ws, wss } from "./transport/ws.js";
