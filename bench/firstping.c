/* firstping NAMESPACE-FILE ADDRESS [INTERVAL-us] [MAX-ms]
 * Enters the namespace and sends an echo request every interval until the first reply.
 * Prints milliseconds until it came (-1: none), and the number of requests. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static unsigned short checksum(const void *p, int n)
{
	const unsigned short *s = p;
	unsigned sum = 0;
	for (; n > 1; n -= 2)
		sum += *s++;
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	double interval = (argc > 3 ? atof(argv[3]) : 1000) / 1e3, max = argc > 4 ? atof(argv[4]) : 5000;
	int ns = open(argv[1], O_RDONLY), v6 = !!strchr(argv[2], ':'), sent = 0;
	if (ns < 0 || setns(ns, CLONE_NEWNET)) {
		perror(argv[1]);
		return 2;
	}
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	struct sockaddr *to = v6 ? (void *)&to6 : (void *)&to4;
	socklen_t len = v6 ? sizeof to6 : sizeof to4;
	inet_pton(v6 ? AF_INET6 : AF_INET, argv[2], v6 ? (void *)&to6.sin6_addr : (void *)&to4.sin_addr);
	int s = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (s < 0) {
		perror("socket");
		return 2;
	}
	double start = now();
	for (double next = start; now() - start < max;) {
		if (now() >= next) {
			struct { unsigned char type, code; unsigned short sum, id, seq; } q = { 0 };
			q.type = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
			q.id = htons(4711);
			q.seq = htons(sent);
			if (!v6)
				q.sum = checksum(&q, sizeof q);
			sendto(s, &q, sizeof q, 0, to, len);
			sent++;
			next += interval;
		}
		struct pollfd p = { s, POLLIN, 0 };
		double left = next - now();
		struct timespec wait = { 0, left > 0 ? (long)((left > 900 ? 900 : left) * 1e6) : 0 };
		if (ppoll(&p, 1, &wait, 0) > 0) {
			unsigned char b[512];
			ssize_t n = recv(s, b, sizeof b, 0);
			unsigned char *h = v6 ? b : b + 20;
			if (n >= (v6 ? 8 : 28) && h[0] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
			    h[4] == (4711 >> 8) && h[5] == (4711 & 255)) {
				printf("%.3f %d\n", now() - start, sent);
				return 0;
			}
		}
	}
	printf("-1 %d\n", sent);
	return 1;
}
