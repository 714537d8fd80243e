// SPDX-License-Identifier: MIT
// echo_client.c: the client of bench/run's group `net`: the same for every server, and faster than any
//
// usage: echo_client PORT CONNECTIONS MESSAGES SIZE     each connection sends a line of SIZE bytes and waits for its echo, MESSAGES times
//        echo_client PORT CONNECTIONS idle              opens the connections, writes a line, and keeps them until standard input ends
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct Connection { int fd; long left, received; } Connection;

static void client_fail(const char *what)
{
  perror(what);
  exit(1);
}

static double client_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int client_connect(int port)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0) client_fail("socket");
  while (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
    if (errno != EINTR) client_fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void client_send(int fd, const char *data, long size)
{
  for (long sent = 0; sent < size;) {
    ssize_t n = send(fd, data + sent, (size_t)(size - sent), MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) client_fail("send");
    if (n > 0) sent += n;
  }
}

int main(int argc, char **argv)
{
  if (argc < 4) return 2;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int port = atoi(argv[1]), count = atoi(argv[2]), idle = strcmp(argv[3], "idle") == 0, open = count;
  long messages = idle ? 0 : atol(argv[3]), size = argc > 4 ? atol(argv[4]) : 1;
  char *message = malloc((size_t)size), *buffer = malloc(1 << 16);
  Connection *all = calloc((size_t)count, sizeof *all);
  memset(message, 'x', (size_t)size);
  message[size - 1] = '\n';
  for (int i = 0; i < count; i++) all[i] = (Connection){client_connect(port), messages, 0};
  if (idle) {
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) continue;
    return 0;
  }
  int poll = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
  }
  double start = client_now();
  for (int i = 0; i < count; i++) client_send(all[i].fd, message, size);
  while (open) {
    struct epoll_event events[64];
    int n = epoll_wait(poll, events, 64, 30000);
    if (n == 0) return fprintf(stderr, "the server is silent\n"), 1;
    for (int i = 0; i < n; i++) {
      Connection *c = events[i].data.ptr;
      ssize_t got = recv(c->fd, buffer, 1 << 16, 0);
      if (got <= 0) client_fail("recv");
      if ((c->received += got) < size) continue;
      c->received = 0;
      if (--c->left) client_send(c->fd, message, size);
      else close(c->fd), open--;
    }
  }
  printf("%.6f\n", client_now() - start);
  return 0;
}
