/*
 * Loads whose events are known, for measuring BPF programs and for testing them: load NAME COUNT [ARGUMENT].
 * Prints the nanoseconds that COUNT operations took. Runs on the last CPU alone, before all others where it may; with
 * --two-cpus before NAME, on the first one too at the same time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>

#include "measure.h"

#define BLOCK 4096
/* What takes long to copy. */
#define LARGE (1 << 18)

#include "memory-loads.h"

/* Two processes that wake each other: two switches and two wake-ups per operation. */
static long long ping_pong(long count, const char *unused)
{
	int there[2], back[2];
	long long start;
	char byte = 0;
	pid_t child;

	check(pipe(there) == 0 && pipe(back) == 0, "pipe");
	child = fork();
	check(child >= 0, "fork");
	if (child == 0) {
		while (count--)
			if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	start = now();
	for (long i = 0; i < count; i++)
		check(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "ping-pong");
	start = now() - start;
	waitpid(child, NULL, 0);
	return start;
}

/* With an argument that the kernel doesn't look at: the number of the call. */
static long long getppids(long count, const char *unused)
{
	long long start = now();

	for (long i = 0; i < count; i++)
		syscall(SYS_getppid, i);
	return now() - start;
}

/* Fails with EBADF. */
static long long closes(long count, const char *unused)
{
	long long start = now();

	while (count--)
		close(-1);
	return now() - start;
}

/* COUNT calls of each of 88 numbers that Linux doesn't have, one of them beyond all that it ever will: ENOSYS. */
static long long invalid_calls(long count, const char *unused)
{
	long long start = now();

	while (count--) {
		for (int number = 337; number < 424; number++)
			syscall(number);
		syscall(100000);
	}
	return now() - start;
}

/* A connection of its own on the loopback interface. */
static int connection(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	check(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0, "listen");
	check(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
	check(connect(client, (struct sockaddr *)&address, size) == 0, "connect");
	check(accept(listener, NULL, NULL) >= 0, "accept");
	return client;
}

/* Setting the keep-alive's idle time starts the keep-alive timer anew, once each time. */
static long long timers(long count, const char *unused)
{
	int client = connection(), on = 1;
	long long start;

	check(setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0, "SO_KEEPALIVE");
	start = now();
	for (long i = 0; i < count; i++) {
		int seconds = i & 1 ? 1000 : 5000;

		setsockopt(client, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
	}
	return now() - start;
}

/* Waits for a datagram that doesn't come: one timer per operation, which nothing but a process in a call starts. */
static long long timeouts(long count, const char *unused)
{
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	struct timeval wait = { .tv_usec = 1000 };
	long long start;
	char byte;

	check(setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0, "SO_RCVTIMEO");
	start = now();
	while (count--)
		check(recv(sock, &byte, 1, 0) < 0 && errno == EAGAIN, "timeout");
	return now() - start;
}

/* A datagram to itself: one NET_RX soft interrupt per operation. */
static long long datagrams(long count, const char *unused)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	long long start;
	char byte = 0;

	check(bind(sock, (struct sockaddr *)&address, size) == 0, "bind");
	check(getsockname(sock, (struct sockaddr *)&address, &size) == 0, "getsockname");
	check(connect(sock, (struct sockaddr *)&address, size) == 0, "connect");
	start = now();
	while (count--)
		check(send(sock, &byte, 1, 0) == 1 && recv(sock, &byte, 1, 0) == 1, "datagram");
	return now() - start;
}

/* Direct reads of 4 KiB, one request each, from a device of 1 MiB or more. */
static long long reads(long count, const char *device)
{
	int fd = open(device, O_RDONLY | O_DIRECT);
	long long start;
	void *buffer;

	check(fd >= 0 && posix_memalign(&buffer, BLOCK, BLOCK) == 0, device);
	start = now();
	for (long i = 0; i < count; i++)
		check(pread(fd, buffer, BLOCK, (i & 255) * BLOCK) == BLOCK, "pread");
	return now() - start;
}

/* Direct writes of 4 KiB to a file of this folder, for the sake of the disk's interrupts. */
static long long disk_writes(long count, const char *unused)
{
	int fd = open(".", O_TMPFILE | O_RDWR | O_DIRECT, 0600);
	long long start;
	void *buffer;

	check(fd >= 0 && posix_memalign(&buffer, BLOCK, BLOCK) == 0, "O_TMPFILE");
	memset(buffer, 0, BLOCK);
	start = now();
	for (long i = 0; i < count; i++)
		check(pwrite(fd, buffer, BLOCK, (i & 255) * BLOCK) == BLOCK, "pwrite");
	return now() - start;
}

static void open_terminal(int *master, int *slave)
{
	struct termios raw;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	check(*master >= 0 && grantpt(*master) == 0 && unlockpt(*master) == 0, "posix_openpt");
	*slave = open(ptsname(*master), O_RDWR | O_NOCTTY);
	check(*slave >= 0 && tcgetattr(*slave, &raw) == 0, "tcgetattr");
	cfmakeraw(&raw);
	check(tcsetattr(*slave, TCSANOW, &raw) == 0, "tcsetattr");
}

/* A byte through a pseudo-terminal and its line discipline: one work item of flush_to_ldisc per operation. */
static long long terminal(long count, const char *unused)
{
	int master, slave;
	long long start;
	char byte = 'x';

	open_terminal(&master, &slave);
	start = now();
	for (long i = 0; i < count; i++)
		check(write(slave, &byte, 1) == 1 && read(master, &byte, 1) == 1, "terminal");
	return now() - start;
}

/* COUNT bytes without waiting: at most as many work items, which are queued at any time from the start of the one before. */
static long long terminal_flood(long count, const char *unused)
{
	int master, slave, status;
	char byte = 'x', bytes[BLOCK];
	long long start;
	pid_t reader;

	open_terminal(&master, &slave);
	reader = fork();
	check(reader >= 0, "fork");
	if (reader == 0) {
		for (long left = count; left > 0;) {
			ssize_t length = read(master, bytes, sizeof(bytes));

			if (length <= 0)
				_exit(1);
			left -= length;
		}
		_exit(0);
	}
	start = now();
	for (long i = 0; i < count; i++)
		check(write(slave, &byte, 1) == 1, "terminal");
	check(waitpid(reader, &status, 0) == reader && status == 0, "reader");
	return now() - start;
}

/* Writes a new file of COUNT pages in this folder, a page at a time. */
static long long writes(long count, const char *unused)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	char block[BLOCK] = { 0 };
	long long start;

	check(fd >= 0, "O_TMPFILE");
	start = now();
	while (count--)
		check(write(fd, block, BLOCK) == BLOCK, "write");
	return now() - start;
}

/* Syncs a file that is in sync. */
static long long syncs(long count, const char *unused)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	long long start;

	check(fd >= 0 && fsync(fd) == 0, "O_TMPFILE");
	start = now();
	while (count--)
		check(fdatasync(fd) == 0, "fdatasync");
	return now() - start;
}

/* Reads a page of a file that is in memory. */
static long long rereads(long count, const char *unused)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	char block[BLOCK] = { 0 };
	long long start;

	check(fd >= 0 && write(fd, block, BLOCK) == BLOCK, "O_TMPFILE");
	start = now();
	while (count--)
		check(pread(fd, block, BLOCK, 0) == BLOCK, "pread");
	return now() - start;
}

/* A process on another CPU that reads what this one writes, so that each waits for the pipe's lock. */
static long long contends(long count, const char *unused)
{
	char *block = calloc(1, LARGE);
	long long start;
	cpu_set_t first;
	pid_t child;
	int fds[2];

	check(block && pipe(fds) == 0, "pipe");
	child = fork();
	check(child >= 0, "fork");
	if (child == 0) {
		CPU_ZERO(&first);
		CPU_SET(0, &first);
		sched_setaffinity(0, sizeof(first), &first);
		close(fds[1]);
		while (read(fds[0], block, BLOCK) > 0)
			;
		_exit(0);
	}
	start = now();
	while (count--)
		check(write(fds[1], block, LARGE) == LARGE, "write");
	start = now() - start;
	close(fds[1]);
	waitpid(child, NULL, 0);
	return start;
}

/* Goes to the first CPU and the last in turns; told "stop", it stops before and after. */
static long long migrates(long count, const char *stop)
{
	int cpus[] = { 0, sysconf(_SC_NPROCESSORS_ONLN) - 1 };
	long long start;

	start = measure_from(stop);
	for (long i = 0; i < count; i++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpus[i & 1], &set);
		check(sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
	}
	return measured_since(start, stop);
}

/* Has the kernel compact all memory, zone by zone. */
static long long compactions(long count, const char *unused)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);
	long long start = now();

	while (count--)
		check(pwrite(fd, "1", 1, 0) == 1, "compact_memory");
	return now() - start;
}

static long long forks(long count, const char *unused)
{
	long long start = now();

	while (count--) {
		pid_t child = fork();

		check(child >= 0, "fork");
		if (child == 0)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	return now() - start;
}

static long long execs(long count, const char *unused)
{
	long long start = now();

	while (count--) {
		pid_t child = vfork();

		check(child >= 0, "vfork");
		if (child == 0) {
			execl("/bin/true", "true", NULL);
			_exit(127);
		}
		waitpid(child, NULL, 0);
	}
	return now() - start;
}

static int unanswered(const char *address)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(9) };
	int is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
	int sock = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	check(is_six || inet_pton(AF_INET, address, &four.sin_addr) == 1, address);
	check(sock >= 0, "socket");
	connect(sock, is_six ? (void *)&six : (void *)&four, is_six ? sizeof(six) : sizeof(four));
	check(errno == EINPROGRESS, "connect");
	return sock;
}

/* COUNT connections to an address that never answers, until each has sent its SYN again. */
static long long connects(long count, const char *address)
{
	struct timespec wait = { .tv_nsec = 1000000 };
	long long start = now();
	int *socks = calloc(count, sizeof(*socks));

	for (long i = 0; i < count; i++)
		socks[i] = unanswered(address);
	for (long i = 0; i < count; i++) {
		struct tcp_info info = { 0 };
		socklen_t size = sizeof(info);

		while (getsockopt(socks[i], IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_total_retrans == 0)
			nanosleep(&wait, NULL);
	}
	return now() - start;
}

/* Listens where connects() connects to, and accepts nothing, until it is killed. */
static long long listener(long backlog, const char *unused)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int sock = socket(AF_INET6, SOCK_STREAM, 0);

	check(bind(sock, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(sock, backlog) == 0, "listen");
	return pause();
}

static const struct {
	const char *name;
	long long (*run)(long count, const char *argument);
} loads[] = {
	{ "ping-pong", ping_pong }, { "getppid", getppids }, { "close", closes }, { "timer", timers },
	{ "timeout", timeouts },
	{ "datagram", datagrams },  { "read", reads },       { "fork", forks },   { "exec", execs },
	{ "connect", connects },    { "invalid", invalid_calls }, { "listen", listener },
	{ "disk", disk_writes }, { "terminal", terminal }, { "terminal-flood", terminal_flood }, { "touch", touches }, { "fill", fills }, { "pages", pages }, { "swap-in", swaps_in }, { "protect", protects }, { "compact", compactions },
	{ "contend", contends }, { "write", writes }, { "migrate", migrates }, { "reread", rereads }, { "sync", syncs },
};

typedef long long (*run)(long count, const char *argument);

static run find(const char *name)
{
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		if (strcmp(loads[i].name, name) == 0)
			return loads[i].run;
	return NULL;
}

/* The same on the first CPU and on the last at once: so long as COUNT operations took there, on the average of the two. */
static long long on_two_cpus(run run, long count, const char *argument)
{
	struct {
		int ready;
		long long elapsed;
	} *both = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long elapsed;
	int status;
	pid_t child;

	check(both != MAP_FAILED, "mmap");
	child = fork();
	check(child >= 0, "fork");
	pin_to(child ? sysconf(_SC_NPROCESSORS_ONLN) - 1 : 0);
	__sync_fetch_and_add(&both->ready, 1);
	while (*(volatile int *)&both->ready < 2)
		;
	elapsed = run(count, argument);
	if (child == 0) {
		both->elapsed = elapsed;
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0, "the load on the first CPU");
	return (elapsed + both->elapsed) / 2;
}

int main(int argc, char **argv)
{
	int two = argc > 1 && strcmp(argv[1], "--two-cpus") == 0;
	char **arguments = argv + two;
	run run = argc - two >= 3 ? find(arguments[1]) : NULL;
	const char *argument = argc - two > 3 ? arguments[3] : "";

	if (run == NULL) {
		fprintf(stderr, "usage: load [--two-cpus] NAME COUNT [ARGUMENT]\n");
		return 2;
	}
	if (two) {
		printf("%lld\n", on_two_cpus(run, atol(arguments[2]), argument));
		return 0;
	}
	pin();
	printf("%lld\n", run(atol(arguments[2]), argument));
	return 0;
}
