/*
 * Traffic whose events are known, for measuring BPF programs and for testing them: network NAME COUNT ADDRESS [PORT].
 * Prints the nanoseconds that COUNT operations took; some print more in further lines. Runs on the last CPU alone.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "measure.h"

/* Where nobody listens. */
#define CLOSED_PORT 9

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	};
	socklen_t size;
};

static struct address parse(const char *text, int port)
{
	struct address address = { .six.sin6_family = AF_INET6, .size = sizeof(address.six) };

	if (inet_pton(AF_INET6, text, &address.six.sin6_addr) == 1) {
		address.six.sin6_port = htons(port);
		return address;
	}
	address = (struct address){ .four.sin_family = AF_INET, .size = sizeof(address.four) };
	check(inet_pton(AF_INET, text, &address.four.sin_addr) == 1, text);
	address.four.sin_port = htons(port);
	return address;
}

static int new_socket(const struct address *address, int type)
{
	int sock = socket(address->any.sa_family, type, 0);

	check(sock >= 0, "socket");
	return sock;
}

/* Binds to the address, and puts the port in that the socket got. */
static void bind_to(int sock, struct address *address)
{
	check(bind(sock, &address->any, address->size) == 0, "bind");
	check(getsockname(sock, &address->any, &address->size) == 0, "getsockname");
}

static int listen_on(struct address *address)
{
	int sock = new_socket(address, SOCK_STREAM);

	bind_to(sock, address);
	check(listen(sock, 1) == 0, "listen");
	return sock;
}

static int connect_now(const struct address *address)
{
	int sock = new_socket(address, SOCK_STREAM);

	check(connect(sock, &address->any, address->size) == 0, "connect");
	return sock;
}

/* Closing it sends a reset. */
static void reset_at_close(int sock)
{
	struct linger at_once = { .l_onoff = 1 };

	check(setsockopt(sock, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0, "SO_LINGER");
}

/* Microseconds. */
static long long smoothed_rtt(int sock)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	check(getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &size) == 0, "TCP_INFO");
	return info.tcpi_rtt;
}

static long long connections(long count, const char *to, int resets, long long *rtt)
{
	struct address address = parse(to, 0);
	int listener = listen_on(&address);
	long long start = now();
	char byte;

	while (count--) {
		int client = new_socket(&address, SOCK_STREAM), server;

		check(connect(client, &address.any, address.size) == 0, "connect");
		server = accept(listener, NULL, NULL);
		check(server >= 0, "accept");
		if (resets)
			reset_at_close(client);
		if (rtt)
			*rtt += smoothed_rtt(client) + smoothed_rtt(server);
		close(client);
		check(read(server, &byte, 1) == (resets ? -1 : 0), "read");
		close(server);
	}
	return now() - start;
}

/* COUNT connections to itself, each closed by both sides. */
static long long closed(long count, const char *to, int port)
{
	return connections(count, to, 0, NULL);
}

/* The same, closed by a reset, which leaves nothing behind. */
static long long reset(long count, const char *to, int port)
{
	return connections(count, to, 1, NULL);
}

/* The same; prints what the kernel says of all sockets' round-trip times at their end, added up in microseconds. */
static long long measured(long count, const char *to, int port)
{
	long long rtt = 0, elapsed = connections(count, to, 1, &rtt);

	printf("%lld\n", rtt);
	return elapsed;
}

/* COUNT connections to where nobody listens. */
static long long refused(long count, const char *to, int port)
{
	struct address address = parse(to, CLOSED_PORT);
	long long start = now();

	while (count--) {
		int sock = new_socket(&address, SOCK_STREAM);

		check(connect(sock, &address.any, address.size) < 0 && errno == ECONNREFUSED, "refused");
		close(sock);
	}
	return now() - start;
}

/* COUNT sockets that connect to themselves: both SYNs cross. */
static long long crossed(long count, const char *to, int port)
{
	long long start = now();

	while (count--) {
		struct address address = parse(to, 0);
		int sock = new_socket(&address, SOCK_STREAM);

		bind_to(sock, &address);
		check(connect(sock, &address.any, address.size) == 0, "connect");
		reset_at_close(sock);
		close(sock);
	}
	return now() - start;
}

static int begin(const struct address *address)
{
	int sock = new_socket(address, SOCK_STREAM | SOCK_NONBLOCK);

	check(connect(sock, &address->any, address->size) < 0 && errno == EINPROGRESS, "connect");
	return sock;
}

/* COUNT connections, to an address that doesn't answer, which the process gives up. */
static long long abandoned(long count, const char *to, int port)
{
	struct address address = parse(to, CLOSED_PORT);
	long long start = now();

	while (count--)
		close(begin(&address));
	return now() - start;
}

/*
 * One connection to itself, then seven that have to wait until the first is accepted, then COUNT to an address that
 * doesn't answer; when all of those are on their way the eight are accepted.
 */
static long long late(long count, const char *to, int port)
{
	struct address silent = parse(to, CLOSED_PORT), address = parse("127.0.0.1", 0);
	struct rlimit files;
	long long start = now();
	int listener = new_socket(&address, SOCK_STREAM);

	check(getrlimit(RLIMIT_NOFILE, &files) == 0, "RLIMIT_NOFILE");
	files.rlim_cur = count + 64;
	/* Root may raise this one too, and has to where it is the kernel's own. */
	if (files.rlim_max < files.rlim_cur)
		files.rlim_max = files.rlim_cur;
	check(setrlimit(RLIMIT_NOFILE, &files) == 0, "RLIMIT_NOFILE");
	bind_to(listener, &address);
	check(listen(listener, 0) == 0, "listen");
	for (int i = 0; i < 8; i++)
		begin(&address);
	while (count--)
		begin(&silent);
	check(listen(listener, 8) == 0, "listen");
	for (int i = 0; i < 8; i++)
		check(accept(listener, NULL, NULL) >= 0, "accept");
	return now() - start;
}

static int connect_from(int port, const struct address *to)
{
	struct address from = { .any.sa_family = to->any.sa_family, .size = to->size };
	int sock = new_socket(to, SOCK_STREAM | SOCK_NONBLOCK), on = 1;

	/* At the same place for both families. */
	from.four.sin_port = htons(port);
	check(setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0, "SO_REUSEADDR");
	check(bind(sock, &from.any, from.size) == 0, "bind");
	check(connect(sock, &to->any, to->size) < 0, "connect");
	return sock;
}

/* COUNT connections from a port that has such a connection already, after that one: they are not even sent. */
static long long taken(long count, const char *to, int port)
{
	struct address address = parse(to, CLOSED_PORT);
	long long start;
	int first = connect_from(port, &address);

	check(errno == EINPROGRESS, "first connect");
	start = now();
	while (count--) {
		int sock = connect_from(port, &address);

		check(errno == EADDRNOTAVAIL, "second connect");
		close(sock);
	}
	start = now() - start;
	close(first);
	return start;
}

static unsigned int memory_info(int sock, int which)
{
	unsigned int numbers[SK_MEMINFO_VARS];
	socklen_t size = sizeof(numbers);

	check(getsockopt(sock, SOL_SOCKET, SO_MEMINFO, numbers, &size) == 0, "SO_MEMINFO");
	return numbers[which];
}

static unsigned int drops(int sock)
{
	return memory_info(sock, SK_MEMINFO_DROPS);
}

/* COUNT datagrams to a socket at PORT whose receive buffer is full. */
static long long overflow(long count, const char *to, int port)
{
	struct address address = parse(to, port);
	int receiver = new_socket(&address, SOCK_DGRAM), sender = new_socket(&address, SOCK_DGRAM), least = 1;
	char bytes[500] = { 0 };
	long long start = 0;

	check(setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) == 0, "SO_RCVBUF");
	bind_to(receiver, &address);
	check(connect(sender, &address.any, address.size) == 0, "connect");
	/* One by one: on a busy CPU ksoftirqd receives them, which only gets its turn while this process sleeps. */
	for (unsigned int dropped = 0; dropped < count; dropped = drops(receiver)) {
		unsigned int queued = memory_info(receiver, SK_MEMINFO_RMEM_ALLOC);

		if (dropped > 0 && start == 0)
			start = now();
		check(send(sender, bytes, sizeof(bytes), 0) == sizeof(bytes), "send");
		while (drops(receiver) == dropped && memory_info(receiver, SK_MEMINFO_RMEM_ALLOC) == queued)
			usleep(50);
	}
	start = now() - start;
	check(drops(receiver) == count, "every datagram but the first ones dropped");
	close(receiver);
	close(sender);
	return start;
}

/* Sends until no more fits, and gives the bytes. */
static long fill(int sock)
{
	static const char bytes[1 << 16];
	long sent = 0, part;

	while ((part = send(sock, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		sent += part;
	return sent;
}

static void receive(int sock, long size)
{
	static char bytes[1 << 16];
	long part;

	for (; size > 0; size -= part) {
		part = recv(sock, bytes, sizeof(bytes), 0);
		check(part > 0, "recv");
	}
}

/*
 * COUNT times as much as a connection to itself has in flight, in packets as large as the interface takes, is lost where
 * it arrives and sent again.
 */
static long long resent(long count, const char *to, int port)
{
	struct address address = parse(to, 0);
	int listener = listen_on(&address), client = connect_now(&address), server = accept(listener, NULL, NULL), none = 0;
	struct sock_filter reject = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = { 1, &reject };
	long long start = now();

	check(server >= 0, "accept");
	/* Then it may have much in flight. */
	for (int i = 0; i < 8; i++)
		receive(server, fill(client));
	while (count--) {
		unsigned int before = drops(server);
		long sent;

		check(setsockopt(server, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0, "SO_ATTACH_FILTER");
		sent = fill(client);
		while (drops(server) == before)
			usleep(50);
		check(setsockopt(server, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) == 0, "SO_DETACH_FILTER");
		receive(server, sent);
	}
	/* Or the ends of the connection might be sent again when all is counted. */
	reset_at_close(client);
	return now() - start;
}

/*
 * COUNT times seven datagrams in one buffer to a socket at PORT that takes them so, and whose receive buffer is full. The
 * kernel counts each buffer as one drop of the socket.
 */
static long long merged(long count, const char *to, int port)
{
	struct address address = parse(to, port);
	int receiver = new_socket(&address, SOCK_DGRAM), sender = new_socket(&address, SOCK_DGRAM), least = 1, on = 1;
	int segment = 500;
	char bytes[7 * 500] = { 0 };
	long long start = now();

	check(setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) == 0, "SO_RCVBUF");
	check(setsockopt(receiver, SOL_UDP, UDP_GRO, &on, sizeof(on)) == 0, "UDP_GRO");
	check(setsockopt(sender, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)) == 0, "UDP_SEGMENT");
	bind_to(receiver, &address);
	check(connect(sender, &address.any, address.size) == 0, "connect");
	for (unsigned int dropped = 0; dropped < count; dropped = drops(receiver)) {
		unsigned int queued = memory_info(receiver, SK_MEMINFO_RMEM_ALLOC);

		check(send(sender, bytes, sizeof(bytes), 0) == sizeof(bytes), "send");
		while (drops(receiver) == dropped && memory_info(receiver, SK_MEMINFO_RMEM_ALLOC) == queued)
			usleep(50);
	}
	check(drops(receiver) == count, "every buffer but the first ones dropped");
	return now() - start;
}

/* Three datagrams to each of COUNT ports from PORT on, whose receive buffers are full. */
static long long overflows(long count, const char *to, int port)
{
	long long elapsed = 0;

	while (count--)
		elapsed += overflow(3, to, port++);
	return elapsed;
}

static long long datagrams(long count, struct address *to, int receiver)
{
	int sender = new_socket(to, SOCK_DGRAM);
	long long start = now();
	char byte = 0;

	while (count--) {
		check(sendto(sender, &byte, 1, 0, &to->any, to->size) == 1, "sendto");
		check(receiver < 0 || recv(receiver, &byte, 1, 0) == 1, "recv");
	}
	return now() - start;
}

/* COUNT datagrams to a port that nobody has. */
static long long unheard(long count, const char *to, int port)
{
	struct address address = parse(to, CLOSED_PORT);

	return datagrams(count, &address, -1);
}

/* COUNT datagrams that are read one by one. */
static long long heard(long count, const char *to, int port)
{
	struct address address = parse(to, 0);
	int receiver = new_socket(&address, SOCK_DGRAM);

	bind_to(receiver, &address);
	return datagrams(count, &address, receiver);
}

static int listen_at(struct address *address, int backlog)
{
	int sock = new_socket(address, SOCK_STREAM), on = 1;

	check(setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0, "SO_REUSEADDR");
	check(setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0, "SO_REUSEPORT");
	bind_to(sock, address);
	check(listen(sock, backlog) == 0, "listen");
	return sock;
}

/*
 * Six connections that wait to be accepted at PORT, where no more may wait, and COUNT at PORT + 1 whose handshake isn't over,
 * as two sockets there wait for data. Then for each line of its input COUNT SYNs to PORT, which are dropped; prints
 * how many have been, since it began. Until its input ends.
 */
static long long queued(long count, const char *to, int port)
{
	struct address full = parse(to, port), deferred = parse(to, port + 1);
	int seconds = 600, listener = listen_at(&full, 5);
	long long start = now();
	char line[16];

	for (int i = 0; i < 2; i++)
		check(setsockopt(listen_at(&deferred, 1000), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) == 0,
		      "TCP_DEFER_ACCEPT");
	for (int i = 0; i < 6; i++)
		connect_now(&full);
	for (long i = 0; i < count; i++)
		connect_now(&deferred);
	do {
		printf("%u\n", drops(listener));
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			break;
		for (long i = 0; i < count; i++) {
			unsigned int before = drops(listener);
			int sock = begin(&full);

			while (drops(listener) == before)
				usleep(50);
			close(sock);
		}
	} while (1);
	return now() - start;
}

/* Frames by what is in them, with their sizes; behind the headers that tell they are zeros. */
static const struct {
	size_t size;
	unsigned char start[80];
} frames[] = {
	/* IPv4 with TCP; with the protocol 253; IPv4 that ends too early. */
	{ 60, { [12] = 0x08, 0x00, 0x45, [23] = IPPROTO_TCP } },
	{ 100, { [12] = 0x08, 0x00, 0x45, [23] = 253 } },
	{ 30, { [12] = 0x08, 0x00, 0x45, [23] = IPPROTO_TCP } },
	/* IPv6 with UDP; the same behind options of 8 bytes, a fragment's header and options of 16. */
	{ 62, { [12] = 0x86, 0xdd, 0x60, [20] = IPPROTO_UDP } },
	{ 150, { [12] = 0x86, 0xdd, 0x60, [20] = 0, [54] = 44, 0, [62] = 60, [70] = IPPROTO_UDP, 1 } },
	/* IPv4 with ICMP, behind the tags of two VLANs. */
	{ 61, { [12] = 0x88, 0xa8, 0, 1, 0x81, 0x00, 0, 2, 0x08, 0x00, 0x45, [31] = IPPROTO_ICMP } },
	/* ARP; a type that nobody has. */
	{ 42, { [12] = 0x08, 0x06 } },
	{ 1000, { [12] = 0x12, 0x34 } },
};

/* COUNT frames out of an interface, of the kind PORT above. */
static long long frame(long count, const char *interface, int kind)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(interface), .sll_halen = 6 };
	int sock = socket(AF_PACKET, SOCK_RAW, 0);
	unsigned char bytes[1500] = { 0 };
	long long start = now();

	check(sock >= 0, "socket");
	check(kind >= 0 && kind < (int)(sizeof(frames) / sizeof(*frames)), "kind");
	memcpy(bytes, frames[kind].start, sizeof(frames[kind].start));
	to.sll_protocol = *(unsigned short *)(bytes + 12);
	while (count--)
		check(sendto(sock, bytes, frames[kind].size, 0, (struct sockaddr *)&to, sizeof(to)) > 0, interface);
	return now() - start;
}

/*
 * COUNT connections that wait until all of them stand, and are then accepted one by one, at PORT. Prints the least and the
 * most nanoseconds that they can have waited for that, all together.
 */
static long long accepted(long count, const char *to, int port)
{
	struct address address = parse(to, port);
	int listener = listen_at(&address, count);
	long long least = 0, most = 0, start = now(), all;

	for (long i = 0; i < count; i++) {
		most -= now();
		connect_now(&address);
	}
	usleep(1000);
	all = now();
	for (long i = 0; i < count; i++) {
		least += now() - all;
		check(accept(listener, NULL, NULL) >= 0, "accept");
		most += now();
	}
	printf("%lld\n%lld\n", least, most);
	return now() - start;
}

/* Takes whole packets, of which those of its family, `four` or `six`, go from and to the address. */
static int raw_socket(const struct address *address, unsigned char *four, unsigned char *six)
{
	int sock = socket(address->any.sa_family, SOCK_RAW, IPPROTO_RAW);

	check(sock >= 0, "socket");
	memcpy(four + 12, &address->four.sin_addr, 4);
	memcpy(four + 16, &address->four.sin_addr, 4);
	memcpy(six + 8, &address->six.sin6_addr, 16);
	memcpy(six + 24, &address->six.sin6_addr, 16);
	return sock;
}

/*
 * COUNT datagrams to ADDRESS of which one fragment is sent. Where PORT is 1, another that overlaps it; where it is 2, the
 * fragment has no multiple of 8 bytes, as all but the last must.
 */
static long long fragments(long count, const char *to, int fault)
{
	struct address address = parse(to, 0);
	int is_ipv6 = address.any.sa_family == AF_INET6, sock;
	/* IPv4 from and to the address, more fragments; IPv6 with a header for fragments, the first of more. */
	unsigned char four[20 + 16] = { 0x45, 0, 0, sizeof(four), [6] = 0x20, [8] = 64, IPPROTO_UDP };
	unsigned char six[48 + 16] = { 0x60, [5] = sizeof(six) - 40, IPPROTO_FRAGMENT, 64, [40] = IPPROTO_UDP, [43] = 1 };
	long long start = now();

	sock = raw_socket(&address, four, six);
	if (fault == 2)
		four[3] = sizeof(four) - 1, six[5] = sizeof(six) - 40 - 1;
	for (long i = 1; i <= count; i++) {
		const void *bytes = is_ipv6 ? six : four;
		size_t size = (is_ipv6 ? sizeof(six) : sizeof(four)) - (fault == 2);

		four[4] = six[46] = i >> 8;
		four[5] = six[47] = i;
		/* From the first byte on; from the ninth. */
		for (int place = 0; place <= (fault == 1); place++) {
			four[7] = place;
			six[43] = place << 3 | 1;
			check(sendto(sock, bytes, size, 0, &address.any, address.size) == size, "sendto");
		}
	}
	return now() - start;
}

/* COUNT packets to ADDRESS of 1400 bytes that are not to be fragmented. */
static long long whole(long count, const char *to, int port)
{
	struct address address = parse(to, 0);
	int is_ipv6 = address.any.sa_family == AF_INET6, sock;
	unsigned char four[1400] = { 0x45, 0, sizeof(four) >> 8, sizeof(four) & 0xff, [6] = 0x40, [8] = 64, IPPROTO_UDP };
	unsigned char six[1400] = { 0x60, [4] = (sizeof(six) - 40) >> 8, (sizeof(six) - 40) & 0xff, IPPROTO_UDP, 64 };
	const void *bytes = is_ipv6 ? six : four;
	long long start = now();

	sock = raw_socket(&address, four, six);
	/* Where that is the sender's own doing, it is told. */
	while (count--)
		sendto(sock, bytes, sizeof(four), 0, &address.any, address.size);
	return now() - start;
}

/*
 * COUNT times three datagrams of 1300 bytes in one buffer to a port that nobody has, not to be fragmented, whatever has
 * been learnt of the way.
 */
static long long cut(long count, const char *to, int port)
{
	struct address address = parse(to, CLOSED_PORT);
	int sock = new_socket(&address, SOCK_DGRAM), segment = 1300, probe = IP_PMTUDISC_PROBE, is_ipv6;
	static const char bytes[3 * 1300];
	long long start = now();

	is_ipv6 = address.any.sa_family == AF_INET6;
	check(setsockopt(sock, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)) == 0, "UDP_SEGMENT");
	check(setsockopt(sock, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &probe,
			 sizeof(probe)) == 0, "MTU_DISCOVER");
	while (count--)
		check(sendto(sock, bytes, sizeof(bytes), 0, &address.any, address.size) == sizeof(bytes), "sendto");
	return now() - start;
}

/* COUNT datagrams of 3000 bytes to a port that nobody has, wherever they get. */
static long long large(long count, const char *to, int port)
{
	struct address address = parse(to, CLOSED_PORT);
	int sock = new_socket(&address, SOCK_DGRAM);
	static const char bytes[3000];
	long long start = now();

	while (count--)
		sendto(sock, bytes, sizeof(bytes), 0, &address.any, address.size);
	return now() - start;
}

static const struct {
	const char *name;
	long long (*run)(long count, const char *to, int port);
} loads[] = {
	{ "closed", closed },   { "reset", reset },         { "measured", measured }, { "refused", refused },
	{ "crossed", crossed }, { "abandoned", abandoned }, { "taken", taken },
	{ "late", late },       { "overflow", overflow },   { "overflows", overflows }, { "merged", merged },
	{ "resent", resent },   { "unheard", unheard },     { "heard", heard },
	{ "queued", queued },   { "frame", frame },         { "accepted", accepted }, { "fragments", fragments },
	{ "whole", whole },     { "large", large },       { "cut", cut },
};

int main(int argc, char **argv)
{
	if (argc >= 4) {
		for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
			if (strcmp(loads[i].name, argv[1]) != 0)
				continue;
			pin();
			printf("%lld\n", loads[i].run(atol(argv[2]), argv[3], argc > 4 ? atoi(argv[4]) : 0));
			return 0;
		}
	}
	fprintf(stderr, "usage: network NAME COUNT ADDRESS [PORT]\n");
	return 2;
}
