/*
 * One UDP socket that moves many datagrams per system call (Linux, Node-API).
 *
 *   readable     -> recvmmsg into the inbox -> one call of onBatch(count) -> again, a few rounds at most
 *   ICMP error   -> recvmmsg of the error queue -> one call of onUnreachable(count)
 *   outbox full  -> send(first, count) -> sendmmsg, until the kernel takes no more -> onWritable() when it does again
 *
 * The caller hands in all memory when it opens the socket: `inbox` and `outbox` hold octets, `received` and `outgoing`
 * are tables with one Entry per datagram, `counters` is shared. They are held until the socket closes, so the addon
 * allocates once per socket and never per datagram. What JavaScript passes is checked before it is used; the one thing
 * it must not do is to transfer or resize these buffers.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <arpa/inet.h>
#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/errqueue.h>
#include <uv.h>

enum {
  BATCH = 64,                         /* datagrams per system call */
  ROUNDS = 4,                         /* batches per turn of the event loop: others want to be served too */
  SLOT = 65536 + 768,                 /* inbox octets per datagram: the largest one, and a skew so that slots share no cache set */
  CONTROL = CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)),
};

/* One datagram in a table. JavaScript sees eight unsigned words, in the processor's order. */
typedef struct {
  uint32_t offset;                    /* of its octets in the inbox or outbox */
  uint32_t length;                    /* octets; of an unreachable peer the error number, 0 when it is our own */
  uint32_t port;
  uint32_t scope;                     /* IPv6 interface index, else 0 */
  uint32_t words[4];                  /* address, most significant first; IPv4 is the first word alone */
} Entry;

/* Index into the shared counters: datagrams that the kernel dropped, those it refused to send, and its last error number. */
enum { DROPPED, REFUSED, LAST_ERROR, COUNTERS };

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} Address;

/* What stays referenced while a socket is open. */
enum { HELD_OBJECT, HELD_INBOX, HELD_RECEIVED, HELD_OUTBOX, HELD_OUTGOING, HELD_COUNTERS, HELD_CALLBACKS, HELD };

typedef struct {
  struct mmsghdr headers[BATCH];
  struct iovec parts[BATCH];
  Address addresses[BATCH];
} Vector;

typedef struct {
  napi_env env;
  uv_poll_t poll;
  int fd;
  bool ipv6, open, writing;           /* writing: onWritable is owed */
  int holders;                        /* the JavaScript object and the poll handle; freed when neither is left */
  uint32_t kernel_drops;              /* SO_RXQ_OVFL as last seen; it wraps */
  napi_ref held[HELD];
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  uint8_t *inbox, *outbox;
  size_t outbox_octets, outgoing_entries;
  Entry *received, *outgoing;
  double *counters;
  Vector in, out;
  _Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL];
} Socket;

static const struct { const char *name; napi_typedarray_type type; size_t unit; } MEMORY[HELD] = {
    [HELD_INBOX] = {"inbox", napi_uint8_array, 1},        [HELD_RECEIVED] = {"received", napi_uint32_array, 4},
    [HELD_OUTBOX] = {"outbox", napi_uint8_array, 1},      [HELD_OUTGOING] = {"outgoing", napi_uint32_array, 4},
    [HELD_COUNTERS] = {"counters", napi_float64_array, 8}};
static const napi_type_tag SOCKET_TAG = {0x726f6c6c63616c6cULL, 0x7564702d62617463ULL};

/* ---- small tools ---------------------------------------------------------------------------------------------- */

static napi_value throw_errno(napi_env env, const char *call, int error) {
  char message[128];
  const char *code = uv_err_name(uv_translate_sys_error(error));
  snprintf(message, sizeof message, "%s %s", call, code);
  napi_throw_error(env, code, message);
  return NULL;
}

static napi_value throw_type(napi_env env, const char *message) {
  napi_throw_type_error(env, NULL, message);
  return NULL;
}

static uint32_t option_number(napi_env env, napi_value options, const char *name) {
  napi_value value;
  uint32_t number = 0;                /* stays 0 when absent or no number */
  if (napi_get_named_property(env, options, name, &value) == napi_ok) napi_get_value_uint32(env, value, &number);
  return number;
}

static bool option_flag(napi_env env, napi_value options, const char *name) {
  napi_value value;
  bool flag = false;
  if (napi_get_named_property(env, options, name, &value) == napi_ok) napi_get_value_bool(env, value, &flag);
  return flag;
}

static int set_option(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

static socklen_t address_size(const Socket *s) { return s->ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in); }

static void entry_to_address(const Socket *s, const Entry *entry, Address *address) {
  memset(address, 0, sizeof *address);
  if (s->ipv6) {
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons((uint16_t)entry->port);
    address->v6.sin6_scope_id = entry->scope;
    for (int i = 0; i < 4; i++) address->v6.sin6_addr.s6_addr32[i] = htonl(entry->words[i]);
  } else {
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)entry->port);
    address->v4.sin_addr.s_addr = htonl(entry->words[0]);
  }
}

static void address_to_entry(const Socket *s, const Address *address, Entry *entry) {
  if (s->ipv6) {
    entry->port = ntohs(address->v6.sin6_port);
    entry->scope = address->v6.sin6_scope_id;
    for (int i = 0; i < 4; i++) entry->words[i] = ntohl(address->v6.sin6_addr.s6_addr32[i]);
  } else {
    entry->port = ntohs(address->v4.sin_port);
    entry->scope = 0;
    entry->words[0] = ntohl(address->v4.sin_addr.s_addr);
    entry->words[1] = entry->words[2] = entry->words[3] = 0;
  }
}

/* ---- life of a socket ----------------------------------------------------------------------------------------- */

static void let_go(Socket *s) {
  if (--s->holders == 0) free(s);
}

static void after_close(uv_handle_t *handle) {
  Socket *s = handle->data;
  for (int i = 0; i < HELD; i++) napi_delete_reference(s->env, s->held[i]);
  napi_async_destroy(s->env, s->context);
  napi_remove_async_cleanup_hook(s->cleanup);
  let_go(s);
}

static void shut(Socket *s) {
  if (!s->open) return;
  s->open = false;
  uv_poll_stop(&s->poll);
  uv_close((uv_handle_t *)&s->poll, after_close);
  close(s->fd);
}

static void on_environment_end(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  shut(data);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  let_go(data);
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

/* Calls options[name](arguments…) as a turn of its own: promises and next ticks run behind it. */
static void call_back(Socket *s, const char *name, size_t count, const napi_value *arguments) {
  napi_value callbacks, function, result;
  napi_get_reference_value(s->env, s->held[HELD_CALLBACKS], &callbacks);
  napi_get_named_property(s->env, callbacks, name, &function);
  napi_make_callback(s->env, s->context, callbacks, function, count, arguments, &result);
  bool thrown = false;                /* stays so while a worker is being ended: nobody is left to tell */
  napi_value error;
  if (napi_is_exception_pending(s->env, &thrown) == napi_ok && thrown &&
      napi_get_and_clear_last_exception(s->env, &error) == napi_ok)
    napi_fatal_exception(s->env, error);
}

/* What the kernel says beside a datagram: how many it dropped so far, or which error a peer's network sent back. */
static void read_control(Socket *s, struct msghdr *header, Entry *entry) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      uint32_t drops;
      memcpy(&drops, CMSG_DATA(c), sizeof drops);
      s->counters[DROPPED] += (uint32_t)(drops - s->kernel_drops);
      s->kernel_drops = drops;
    } else if (c->cmsg_level == (s->ipv6 ? IPPROTO_IPV6 : IPPROTO_IP) && c->cmsg_type == (s->ipv6 ? IPV6_RECVERR : IP_RECVERR)) {
      struct sock_extended_err error;
      memcpy(&error, CMSG_DATA(c), sizeof error);
      bool from_network = error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6;
      entry->length = from_network ? error.ee_errno : 0;
    }
  }
}

/* One recvmmsg of datagrams, or of errors with MSG_ERRQUEUE; how many there were. */
static int receive_batch(Socket *s, int flags) {
  for (int i = 0; i < BATCH; i++) {
    s->in.headers[i].msg_hdr.msg_namelen = sizeof(Address);
    s->in.headers[i].msg_hdr.msg_controllen = CONTROL;
  }
  int count = recvmmsg(s->fd, s->in.headers, BATCH, MSG_DONTWAIT | flags, NULL);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0; /* the socket is polled: it is asked again */
    s->counters[LAST_ERROR] = errno;
    return 0;
  }
  for (int i = 0; i < count; i++) {
    struct msghdr *header = &s->in.headers[i].msg_hdr;
    address_to_entry(s, &s->in.addresses[i], &s->received[i]);
    s->received[i].length = s->in.headers[i].msg_len;
    if (header->msg_controllen > 0) read_control(s, header, &s->received[i]);
  }
  return count;
}

static void hand_over(Socket *s, const char *name, int count) {
  napi_value argument;
  napi_create_uint32(s->env, (uint32_t)count, &argument);
  call_back(s, name, 1, &argument);
}

static void receive(Socket *s) {
  for (int round = 0; round < ROUNDS && s->open; round++) {
    int count = receive_batch(s, 0);
    if (count == 0) return;
    hand_over(s, "onBatch", count);
    if (count < BATCH) return;
  }
}

static void receive_errors(Socket *s) {
  int count = receive_batch(s, MSG_ERRQUEUE);
  if (count > 0) hand_over(s, "onUnreachable", count);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(Socket *s) { uv_poll_start(&s->poll, UV_READABLE | (s->writing ? UV_WRITABLE : 0), on_poll); }

static void on_poll(uv_poll_t *poll, int status, int events) {
  Socket *s = poll->data;
  napi_handle_scope scope;
  if (napi_open_handle_scope(s->env, &scope) != napi_ok) return;
  if (status < 0) {                   /* libuv stops a handle whose descriptor polls an error */
    int error;
    socklen_t size = sizeof error;
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size); /* reading clears it */
    watch(s);
    receive_errors(s);
    events = UV_READABLE;
  }
  if ((events & UV_READABLE) && s->open) receive(s);
  if ((events & UV_WRITABLE) && s->open && s->writing) {
    s->writing = false;
    watch(s);
    call_back(s, "onWritable", 0, NULL);
  }
  napi_close_handle_scope(s->env, scope);
}

/* ---- calls from JavaScript ------------------------------------------------------------------------------------ */

/* The open socket that a method was called on; NULL with an exception pending otherwise. */
static Socket *socket_of(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments) {
  napi_value self;
  size_t count = wanted;
  bool tagged = false;
  void *data = NULL;
  napi_get_cb_info(env, info, &count, arguments, &self, NULL);
  if (napi_check_object_type_tag(env, self, &SOCKET_TAG, &tagged) != napi_ok || !tagged || count < wanted ||
      napi_unwrap(env, self, &data) != napi_ok || !((Socket *)data)->open) {
    throw_type(env, "not an open batched socket, or too few arguments");
    return NULL;
  }
  return data;
}

/* Points the next headers at outgoing entries; how many, or -1 with an exception when an entry lies outside the outbox. */
static int prepare(Socket *s, const Entry *entries, uint32_t count) {
  uint32_t taken = count < BATCH ? count : BATCH;
  for (uint32_t i = 0; i < taken; i++) {
    const Entry *e = &entries[i];
    if ((uint64_t)e->offset + e->length > s->outbox_octets) {
      napi_throw_range_error(s->env, NULL, "outgoing entry outside the outbox");
      return -1;
    }
    entry_to_address(s, e, &s->out.addresses[i]);
    s->out.parts[i] = (struct iovec){.iov_base = s->outbox + e->offset, .iov_len = e->length};
  }
  return (int)taken;
}

/*
 * send(first, count) -> how many entries are done with: sent, or refused by the kernel for good and counted.
 * Fewer than count: its queue is full, and onWritable follows.
 */
static napi_value js_send(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  Socket *s = socket_of(env, info, 2, arguments);
  if (s == NULL) return NULL;
  uint32_t first = 0, count = 0, done = 0;
  napi_get_value_uint32(env, arguments[0], &first);
  napi_get_value_uint32(env, arguments[1], &count);
  if ((uint64_t)first + count > s->outgoing_entries) return throw_type(env, "no such outgoing entries");
  bool again = false;
  while (done < count) {
    int ready = prepare(s, s->outgoing + first + done, count - done);
    if (ready < 0) return NULL;
    int sent = sendmmsg(s->fd, s->out.headers, (unsigned)ready, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      done += (uint32_t)sent;
      again = false;
    } else if (errno == EAGAIN) {
      s->writing = true;
      watch(s);
      break;
    } else if (errno != EINTR && !again) {
      again = true;                   /* the error of an earlier datagram (ICMP) is told to whoever sends next */
    } else if (errno != EINTR) {
      s->counters[REFUSED]++;         /* a second one is its own: this datagram is given up */
      s->counters[LAST_ERROR] = errno;
      done++;
      again = false;
    }
  }
  napi_create_uint32(env, done, &result);
  return result;
}

/* setMulticastTtl(hops) for what is sent from now on. */
static napi_value js_set_multicast_ttl(napi_env env, napi_callback_info info) {
  napi_value argument;
  Socket *s = socket_of(env, info, 1, &argument);
  int32_t hops = 1;
  if (s == NULL) return NULL;
  napi_get_value_int32(env, argument, &hops);
  int failed = s->ipv6 ? set_option(s->fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops)
                       : set_option(s->fd, IPPROTO_IP, IP_MULTICAST_TTL, hops);
  return failed ? throw_errno(env, "setMulticastTtl", errno) : NULL;
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  Socket *s = socket_of(env, info, 0, NULL);
  if (s != NULL) shut(s);
  return NULL;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

/* A typed array of the options; its octets, which stay where they are as long as it is referenced. */
static uint8_t *option_memory(napi_env env, napi_value options, int which, Socket *s, size_t *octets) {
  napi_value value;
  napi_typedarray_type type;
  size_t length;
  void *data = NULL;
  *octets = 0;
  if (napi_get_named_property(env, options, MEMORY[which].name, &value) != napi_ok ||
      napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok || type != MEMORY[which].type)
    return NULL;
  *octets = length * MEMORY[which].unit;
  if (napi_create_reference(env, value, 1, &s->held[which]) != napi_ok) return NULL;
  return data;
}

static bool take_memory(napi_env env, napi_value options, Socket *s) {
  size_t inbox, received, outgoing, counters;
  s->inbox = option_memory(env, options, HELD_INBOX, s, &inbox);
  s->received = (Entry *)option_memory(env, options, HELD_RECEIVED, s, &received);
  s->outbox = option_memory(env, options, HELD_OUTBOX, s, &s->outbox_octets);
  s->outgoing = (Entry *)option_memory(env, options, HELD_OUTGOING, s, &outgoing);
  s->counters = (double *)option_memory(env, options, HELD_COUNTERS, s, &counters);
  s->outgoing_entries = outgoing / sizeof(Entry);
  return s->inbox != NULL && inbox >= (size_t)BATCH * SLOT && s->received != NULL && received >= BATCH * sizeof(Entry) &&
         s->outbox != NULL && s->outgoing != NULL && s->counters != NULL && counters >= COUNTERS * sizeof(double);
}

static void point_headers(Socket *s) {
  for (int i = 0; i < BATCH; i++) {
    s->received[i].offset = (uint32_t)i * SLOT;
    s->in.parts[i] = (struct iovec){.iov_base = s->inbox + (size_t)i * SLOT, .iov_len = SLOT};
    s->in.headers[i].msg_hdr = (struct msghdr){
        .msg_name = &s->in.addresses[i], .msg_iov = &s->in.parts[i], .msg_iovlen = 1, .msg_control = s->control[i]};
    s->out.headers[i].msg_hdr = (struct msghdr){
        .msg_name = &s->out.addresses[i], .msg_namelen = address_size(s), .msg_iov = &s->out.parts[i], .msg_iovlen = 1};
  }
}

/* Makes and binds the socket to the first received entry, which becomes what it was bound to; the call that failed, or NULL. */
static const char *bind_socket(napi_env env, napi_value options, Socket *s) {
  Address address;
  socklen_t size = address_size(s);
  s->fd = socket(s->ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s->fd < 0) return "socket";
  uint32_t receive_buffer = option_number(env, options, "receiveBuffer");
  uint32_t send_buffer = option_number(env, options, "sendBuffer");
  if (option_flag(env, options, "reusePort") && set_option(s->fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0) return "SO_REUSEPORT";
  if (receive_buffer > 0 && set_option(s->fd, SOL_SOCKET, SO_RCVBUF, (int)receive_buffer) < 0) return "SO_RCVBUF";
  if (send_buffer > 0 && set_option(s->fd, SOL_SOCKET, SO_SNDBUF, (int)send_buffer) < 0) return "SO_SNDBUF";
  if (s->ipv6 && set_option(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0) return "IPV6_V6ONLY";
  /* without these two, drops are not counted and ICMP errors not told */
  set_option(s->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  set_option(s->fd, s->ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, s->ipv6 ? IPV6_RECVERR : IP_RECVERR, 1);
  entry_to_address(s, s->received, &address);
  if (bind(s->fd, &address.any, size) < 0) return "bind";
  if (getsockname(s->fd, &address.any, &size) < 0) return "getsockname";
  address_to_entry(s, &address, s->received);
  return NULL;
}

static napi_value give_up(napi_env env, Socket *s) {
  if (s->fd >= 0) close(s->fd);
  for (int i = 0; i < HELD; i++)
    if (s->held[i] != NULL) napi_delete_reference(env, s->held[i]);
  if (s->context != NULL) napi_async_destroy(env, s->context);
  free(s);
  return NULL;
}

/*
 * open({ipv6, reusePort, receiveBuffer, sendBuffer, inbox, received, outbox, outgoing, counters, onBatch, onUnreachable,
 * onWritable}) -> a socket {send, setMulticastTtl, close}, bound to the address in the first entry of `received`, where the
 * address is left that it got (the port may have been 0); throws with the system's error code.
 */
static napi_value js_open(napi_env env, napi_callback_info info) {
  napi_value options, self, value;
  size_t count = 1;
  napi_get_cb_info(env, info, &count, &options, NULL, NULL);
  Socket *s = calloc(1, sizeof *s);
  if (s == NULL) return throw_errno(env, "open", ENOMEM);
  s->env = env;
  s->fd = -1;
  s->ipv6 = option_flag(env, options, "ipv6");
  if (!take_memory(env, options, s)) {
    throw_type(env, "open wants inbox, received, outbox, outgoing and counters of their sizes");
    return give_up(env, s);
  }
  const char *failed = bind_socket(env, options, s);
  if (failed != NULL) {
    throw_errno(env, failed, errno);
    return give_up(env, s);
  }
  point_headers(s);

  napi_property_descriptor methods[] = {
      {.utf8name = "send", .method = js_send},
      {.utf8name = "setMulticastTtl", .method = js_set_multicast_ttl},
      {.utf8name = "close", .method = js_close},
  };
  uv_loop_t *loop;
  napi_create_string_latin1(env, "rollcall:udp", NAPI_AUTO_LENGTH, &value);
  if (napi_create_object(env, &self) != napi_ok ||
      napi_define_properties(env, self, sizeof methods / sizeof *methods, methods) != napi_ok ||
      napi_type_tag_object(env, self, &SOCKET_TAG) != napi_ok || napi_async_init(env, NULL, value, &s->context) != napi_ok ||
      napi_create_reference(env, self, 1, &s->held[HELD_OBJECT]) != napi_ok ||
      napi_create_reference(env, options, 1, &s->held[HELD_CALLBACKS]) != napi_ok ||
      napi_get_uv_event_loop(env, &loop) != napi_ok || uv_poll_init(loop, &s->poll, s->fd) != 0) {
    throw_errno(env, "open", ENOMEM);
    return give_up(env, s);
  }
  /* from here on the poll handle owns the descriptor, and shut() is the way out */
  s->poll.data = s;
  s->holders = 1;
  s->open = true;
  watch(s);
  napi_add_async_cleanup_hook(env, on_environment_end, s, &s->cleanup);
  if (napi_wrap(env, self, s, on_collected, NULL, NULL) == napi_ok) s->holders++;

  return self;
}

static napi_value init(napi_env env, napi_value exports) {
  const struct { const char *name; uint32_t value; } constants[] = {
      {"batch", BATCH}, {"slotOctets", SLOT}, {"entryWords", sizeof(Entry) / 4}, {"counters", COUNTERS}};
  napi_value value;
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
    napi_create_uint32(env, constants[i].value, &value);
    napi_set_named_property(env, exports, constants[i].name, value);
  }
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, js_open, NULL, &value);
  napi_set_named_property(env, exports, "open", value);
  return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
