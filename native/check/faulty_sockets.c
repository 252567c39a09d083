/*
 * Preloaded before a test: recvmmsg and sendmmsg now and then do what a kernel may do and a quiet machine never does.
 * FAULTS=0 to 100 is the share of calls in percent; SEED makes a run repeat itself.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static unsigned state;

static unsigned next(void) {
  if (state == 0) state = (unsigned)atoi(getenv("SEED") ? getenv("SEED") : "1") | 1u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static int faulty(void) {
  const char *share = getenv("FAULTS");
  return share != NULL && next() % 100 < (unsigned)atoi(share);
}

static int fail(const int *errors, unsigned count) {
  errno = errors[next() % count];
  return -1;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
  static int (*real)(int, struct mmsghdr *, unsigned, int);
  static const int errors[] = {EAGAIN, EINTR, ECONNREFUSED, EHOSTUNREACH, ENOBUFS, ENOMEM, EPERM};
  if (real == NULL) real = dlsym(RTLD_NEXT, "sendmmsg");
  if (!faulty()) return real(fd, messages, count, flags);
  if (next() % 2 == 0) return fail(errors, sizeof errors / sizeof *errors);
  return real(fd, messages, 1 + next() % count, flags);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout) {
  static int (*real)(int, struct mmsghdr *, unsigned, int, struct timespec *);
  static const int errors[] = {EAGAIN, EINTR, ECONNREFUSED, ENOMEM};
  if (real == NULL) real = dlsym(RTLD_NEXT, "recvmmsg");
  if (!faulty()) return real(fd, messages, count, flags, timeout);
  if (next() % 2 == 0) return fail(errors, sizeof errors / sizeof *errors);
  return real(fd, messages, 1 + next() % count, flags, timeout);
}
