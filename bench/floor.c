/* The lower bound for N namespaces on one bridge: the fewest messages, over raw netlink, in one thread.
 *
 *   floor up N [quiet]   bridge, masquerading, forwarding; N namespaces with a veth pair, address and route each.
 *                        quiet: no IPv6 address of the link on any of them
 *   floor down N         all links by one message, then the namespaces
 *   floor gone           waits until only lo is left
 *
 * For a private network and mount namespace only. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST 10	/* number of the first namespace; its address is 10.55.0.FIRST */
#define BRIDGE 10000	/* index of the bridge */
#define PORT 20000	/* index of the first port */
#define INNER 2		/* index of a device in its namespace */
#define GROUP 4242
#define CHUNK 32	/* veth pairs in one send */
#define REMOVERS 16	/* threads that unmount: each waits for a grace period */
#define DIR "/run/netns"
#define SKIP_STATS (1 << 3)

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- messages: appended one after the other, sent together ---- */
struct buf { char p[1 << 16]; size_t len; struct nlmsghdr *h; };
static struct buf hostbuf, nsbuf;

static void *room(struct buf *b, size_t n)
{
	char *r = b->p + b->len;
	n = (n + 3) & ~3ul;
	if (b->len + n > sizeof b->p) {
		errno = ENOBUFS;
		die("messages");
	}
	memset(r, 0, n);
	b->len += n;
	return r;
}

static void *msg(struct buf *b, int type, int flags, size_t body)
{
	static uint32_t seq = 1;
	b->h = room(b, sizeof *b->h);
	b->h->nlmsg_type = type;
	b->h->nlmsg_flags = NLM_F_REQUEST | flags;
	b->h->nlmsg_seq = seq++;
	return room(b, body);
}

static void done(struct buf *b) { b->h->nlmsg_len = b->p + b->len - (char *)b->h; }

static struct rtattr *put(struct buf *b, int type, const void *d, size_t n)
{
	struct rtattr *a = room(b, RTA_LENGTH(n));
	a->rta_type = type;
	a->rta_len = RTA_LENGTH(n);
	if (n)
		memcpy(RTA_DATA(a), d, n);
	return a;
}
static void put32(struct buf *b, int t, uint32_t v) { put(b, t, &v, 4); }
static void put_be(struct buf *b, int t, uint32_t v) { put32(b, t, htonl(v)); }
static void put_str(struct buf *b, int t, const char *s) { put(b, t, s, strlen(s) + 1); }
static struct rtattr *nest(struct buf *b, int t) { return put(b, t, 0, 0); }
static void end(struct buf *b, struct rtattr *a) { a->rta_len = b->p + b->len - (char *)a; }

static int nl(int proto)
{
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, proto), v = 4 << 20;
	if (s < 0)
		die("socket");
	setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &v, sizeof v);
	setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &v, sizeof v);
	return s;
}

/* Sends all; only the last message asks for an ack, and any error ends the program. */
static void flush(int s, struct buf *b, const char *what)
{
	static char r[8192];
	if (!b->len)
		return;
	b->h->nlmsg_flags |= NLM_F_ACK;
	uint32_t last = b->h->nlmsg_seq;
	if (send(s, b->p, b->len, 0) != (ssize_t)b->len)
		die(what);
	b->len = 0;
	for (;;) {
		ssize_t n = recv(s, r, sizeof r, 0);
		if (n < 0)
			die(what);
		for (struct nlmsghdr *h = (void *)r; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			struct nlmsgerr *e = NLMSG_DATA(h);
			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			errno = -e->error;
			if (e->error)
				die(what);
			if (e->msg.nlmsg_seq == last)
				return;
		}
	}
}

/* ---- what is sent ---- */
static uint32_t address(int i) { return htonl(0x0a370000u + i); }

static void no_local(struct buf *b)
{
	struct rtattr *s = nest(b, IFLA_AF_SPEC), *six = nest(b, AF_INET6);
	uint8_t none = 1;	/* IN6_ADDR_GEN_MODE_NONE */
	put(b, IFLA_INET6_ADDR_GEN_MODE, &none, 1);
	end(b, six);
	end(b, s);
}

/* The kernel sets flags before AF_SPEC, so that must be in a message before. */
static void up(struct buf *b, int index, int quiet)
{
	for (int i = !quiet; i < 2; i++) {
		struct ifinfomsg *m = msg(b, RTM_NEWLINK, 0, sizeof *m);
		m->ifi_index = index;
		if (i)
			m->ifi_flags = m->ifi_change = IFF_UP;
		else
			no_local(b);
		done(b);
	}
}

static void add_address(struct buf *b, int index, uint32_t a)
{
	struct ifaddrmsg *m = msg(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *m);
	uint32_t broadcast = a | htonl(0xffff);
	m->ifa_family = AF_INET;
	m->ifa_prefixlen = 16;
	m->ifa_index = index;
	put(b, IFA_LOCAL, &a, 4);
	put(b, IFA_ADDRESS, &a, 4);
	put(b, IFA_BROADCAST, &broadcast, 4);
	done(b);
}

static void bridge(int s, int quiet)
{
	struct buf *b = &hostbuf;
	struct ifinfomsg *m = msg(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *m);
	m->ifi_index = BRIDGE;
	put_str(b, IFLA_IFNAME, "v-net-0");
	put32(b, IFLA_GROUP, GROUP);
	struct rtattr *li = nest(b, IFLA_LINKINFO);
	put_str(b, IFLA_INFO_KIND, "bridge");
	struct rtattr *d = nest(b, IFLA_INFO_DATA);
	put32(b, IFLA_BR_FORWARD_DELAY, 0);
	end(b, d);
	end(b, li);
	done(b);
	up(b, BRIDGE, quiet);
	add_address(b, BRIDGE, address(1));
	flush(s, b, "bridge");
}

static void queue(struct buf *b)
{
	put32(b, IFLA_NUM_TX_QUEUES, 1);
	put32(b, IFLA_NUM_RX_QUEUES, 1);
}

/* The outer end is the main device, and is up at once; the inner one is born where it belongs. */
static void veth(struct buf *b, int i, int ns, int quiet)
{
	char name[16];
	struct ifinfomsg *m = msg(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *m);
	m->ifi_index = PORT + i;
	if (!quiet)
		m->ifi_flags = m->ifi_change = IFF_UP;
	snprintf(name, sizeof name, "vb%d", FIRST + i);
	put_str(b, IFLA_IFNAME, name);
	put32(b, IFLA_MASTER, BRIDGE);
	put32(b, IFLA_GROUP, GROUP);
	queue(b);
	struct rtattr *li = nest(b, IFLA_LINKINFO);
	put_str(b, IFLA_INFO_KIND, "veth");
	struct rtattr *d = nest(b, IFLA_INFO_DATA), *peer = nest(b, VETH_INFO_PEER);
	((struct ifinfomsg *)room(b, sizeof *m))->ifi_index = INNER;
	put_str(b, IFLA_IFNAME, "eth0");
	put32(b, IFLA_NET_NS_FD, ns);
	queue(b);
	end(b, peer);
	end(b, d);
	end(b, li);
	done(b);
	if (quiet)
		up(b, PORT + i, 1);
}

static void configure(int s, int i, int quiet)
{
	struct buf *b = &nsbuf;
	uint32_t gateway = address(1);
	up(b, 1, 0);
	up(b, INNER, quiet);
	add_address(b, INNER, address(FIRST + i));
	struct rtmsg *r = msg(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof *r);
	r->rtm_family = AF_INET;
	r->rtm_table = RT_TABLE_MAIN;
	r->rtm_protocol = RTPROT_BOOT;
	r->rtm_scope = RT_SCOPE_UNIVERSE;
	r->rtm_type = RTN_UNICAST;
	put(b, RTA_GATEWAY, &gateway, 4);
	put32(b, RTA_OIF, INNER);
	done(b);
	flush(s, b, "namespace");
}

#define NFT(x) ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_##x)

static void nft(struct buf *b, int type, int flags, int family, int res)
{
	struct nfgenmsg *g = msg(b, type, flags, sizeof *g);
	g->nfgen_family = family;
	g->res_id = htons(res);
}

static struct rtattr *expr[2];
static void expression(struct buf *b, const char *name)
{
	expr[0] = nest(b, NFTA_LIST_ELEM | NLA_F_NESTED);
	put_str(b, NFTA_EXPR_NAME, name);
	expr[1] = nest(b, NFTA_EXPR_DATA | NLA_F_NESTED);
}
static void expression_end(struct buf *b) { end(b, expr[1]); end(b, expr[0]); }

static void value(struct buf *b, int t, uint32_t v)
{
	struct rtattr *a = nest(b, t | NLA_F_NESTED);
	put_be(b, NFTA_DATA_VALUE, v);
	end(b, a);
}

/* Sends a batch; the ack is on its last message but one. */
static void batch(int add)
{
	struct buf *b = &nsbuf;
	int s = nl(NETLINK_NETFILTER);
	nft(b, NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
	done(b);
	if (!add) {
		nft(b, NFT(DELTABLE), NLM_F_ACK, NFPROTO_IPV4, 0);
		put_str(b, NFTA_TABLE_NAME, "r3");
		done(b);
	} else {
		nft(b, NFT(NEWTABLE), NLM_F_CREATE, NFPROTO_IPV4, 0);
		put_str(b, NFTA_TABLE_NAME, "r3");
		done(b);
		nft(b, NFT(NEWCHAIN), NLM_F_CREATE, NFPROTO_IPV4, 0);
		put_str(b, NFTA_CHAIN_TABLE, "r3");
		put_str(b, NFTA_CHAIN_NAME, "post");
		struct rtattr *h = nest(b, NFTA_CHAIN_HOOK | NLA_F_NESTED);
		put_be(b, NFTA_HOOK_HOOKNUM, NF_INET_POST_ROUTING);
		put_be(b, NFTA_HOOK_PRIORITY, 100);
		end(b, h);
		put_str(b, NFTA_CHAIN_TYPE, "nat");
		done(b);
		nft(b, NFT(NEWRULE), NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, NFPROTO_IPV4, 0);
		put_str(b, NFTA_RULE_TABLE, "r3");
		put_str(b, NFTA_RULE_CHAIN, "post");
		struct rtattr *l = nest(b, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
		expression(b, "payload");
		put_be(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
		put_be(b, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
		put_be(b, NFTA_PAYLOAD_OFFSET, 12);
		put_be(b, NFTA_PAYLOAD_LEN, 4);
		expression_end(b);
		expression(b, "bitwise");
		put_be(b, NFTA_BITWISE_SREG, NFT_REG_1);
		put_be(b, NFTA_BITWISE_DREG, NFT_REG_1);
		put_be(b, NFTA_BITWISE_LEN, 4);
		value(b, NFTA_BITWISE_MASK, 0xffff0000);
		value(b, NFTA_BITWISE_XOR, 0);
		expression_end(b);
		expression(b, "cmp");
		put_be(b, NFTA_CMP_SREG, NFT_REG_1);
		put_be(b, NFTA_CMP_OP, NFT_CMP_EQ);
		value(b, NFTA_CMP_DATA, ntohl(address(0)));
		expression_end(b);
		expression(b, "masq");
		expression_end(b);
		end(b, l);
		done(b);
	}
	nft(b, NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
	done(b);
	char r[4096];
	if (send(s, b->p, b->len, 0) < 0)
		die("rules");
	b->len = 0;
	ssize_t n = recv(s, r, sizeof r, 0);
	struct nlmsghdr *h = (void *)r;
	if (n < 0 || h->nlmsg_type != NLMSG_ERROR || (errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error))
		die("rules");
	close(s);
}

/* RTM_GETLINK of a device runs what is pending of its carrier: after that the port forwards. */
static void barrier(int s, int count)
{
	static char r[1 << 16];
	struct buf *b = &hostbuf;
	for (int i = 0; i < count;) {
		int wait = 0;
		for (; wait < 16 && i < count; wait++, i++) {
			struct ifinfomsg *m = msg(b, RTM_GETLINK, 0, sizeof *m);
			m->ifi_index = PORT + i;
			put32(b, IFLA_EXT_MASK, SKIP_STATS);
			done(b);
		}
		if (send(s, b->p, b->len, 0) < 0)
			die("barrier");
		b->len = 0;
		while (wait > 0) {
			ssize_t n = recv(s, r, sizeof r, 0);
			if (n < 0)
				die("barrier");
			for (struct nlmsghdr *h = (void *)r; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
				wait--;
		}
	}
}

/* ---- namespaces ---- */
struct ns { int fd, sock; };

static void path(char *out, int i) { sprintf(out, DIR "/r3-%d", FIRST + i); }

/* In a thread of its own: the others stay where they are. */
struct making { struct ns *all; int count; };
static void *make(void *v)
{
	struct making *m = v;
	char p[64];
	for (int i = 0; i < m->count; i++) {
		if (unshare(CLONE_NEWNET))
			die("unshare");
		m->all[i].fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		m->all[i].sock = nl(NETLINK_ROUTE);
		path(p, i);
		int f = open(p, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
		if (f < 0 || mount("/proc/thread-self/ns/net", p, 0, MS_BIND, 0))
			die(p);
		close(f);
	}
	return 0;
}

static void folder(void)
{
	mkdir(DIR, 0755);
	if (mount("", DIR, "none", MS_SHARED | MS_REC, 0) &&
	    (mount(DIR, DIR, "none", MS_BIND | MS_REC, 0) || mount("", DIR, "none", MS_SHARED | MS_REC, 0)))
		die(DIR);
}

static void all_up(int count, int quiet)
{
	struct making m = { calloc(count, sizeof(struct ns)), count };
	int s = nl(NETLINK_ROUTE), f = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
	pthread_t maker;
	if (f < 0 || write(f, "1", 1) != 1)
		die("ip_forward");
	bridge(s, quiet);
	batch(1);
	folder();
	pthread_create(&maker, 0, make, &m);
	pthread_join(maker, 0);
	for (int i = 0; i < count; i++) {
		veth(&hostbuf, i, m.all[i].fd, quiet);
		if ((i + 1) % CHUNK == 0)
			flush(s, &hostbuf, "veth");
	}
	flush(s, &hostbuf, "veth");
	for (int i = 0; i < count; i++)
		configure(m.all[i].sock, i, quiet);
	barrier(s, count);
}

struct span { int from, to; };
static void *removed(void *v)
{
	struct span *span = v;
	char p[64];
	for (int i = span->from; i < span->to; i++) {
		path(p, i);
		if (umount2(p, MNT_DETACH) || unlink(p))
			die(p);
	}
	return 0;
}

static void all_down(int count)
{
	pthread_t t[REMOVERS];
	struct span span[REMOVERS];
	int s = nl(NETLINK_ROUTE);
	msg(&hostbuf, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	put32(&hostbuf, IFLA_GROUP, GROUP);
	done(&hostbuf);
	flush(s, &hostbuf, "links");
	for (int k = 0; k < REMOVERS; k++) {
		span[k] = (struct span){ count * k / REMOVERS, count * (k + 1) / REMOVERS };
		pthread_create(&t[k], 0, removed, &span[k]);
	}
	for (int k = 0; k < REMOVERS; k++)
		pthread_join(t[k], 0);
	batch(0);
}

static int links(int s)
{
	static char r[1 << 18];
	int count = 0;
	msg(&hostbuf, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	put32(&hostbuf, IFLA_EXT_MASK, SKIP_STATS);
	done(&hostbuf);
	if (send(s, hostbuf.p, hostbuf.len, 0) < 0)
		die("dump");
	hostbuf.len = 0;
	for (;;) {
		ssize_t n = recv(s, r, sizeof r, 0);
		if (n <= 0)
			die("dump");
		for (struct nlmsghdr *h = (void *)r; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n), count++)
			if (h->nlmsg_type == NLMSG_DONE)
				return count;
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = { 1 << 16, 1 << 16 };
	int count = argc > 2 ? atoi(argv[2]) : 0;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc > 2 && !strcmp(argv[1], "up"))
		all_up(count, argc > 3 && !strcmp(argv[3], "quiet"));
	else if (argc > 2 && !strcmp(argv[1], "down"))
		all_down(count);
	else if (argc == 2 && !strcmp(argv[1], "gone"))
		for (int s = nl(NETLINK_ROUTE); links(s) > 1;)
			usleep(500);
	else
		return 2;
	return 0;
}
