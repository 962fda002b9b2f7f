/*
 * Calls of kernel functions that hardly anything else makes, a known number of each: calls NAME COUNT.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* As deep as the kernel lets epolls watch one another (EP_MAX_NESTS, and the outermost). */
#define NESTED 4

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void getsids(long count)
{
	for (long i = 0; i < count; i++)
		check(getsid(0) >= 0, "getsid");
}

/* Of 2 ms each. */
static void naps(long count)
{
	struct timespec nap = { .tv_nsec = 2000000 };

	for (long i = 0; i < count; i++)
		check(clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL) == 0, "clock_nanosleep");
}

/* Each poll of the outermost epoll polls those inside it, one within the other. */
static void nested_polls(long count)
{
	int ends[2], inner;

	check(pipe(ends) == 0, "pipe");
	inner = ends[0];
	for (int i = 0; i < NESTED; i++) {
		struct epoll_event event = { .events = EPOLLIN };
		int outer = epoll_create1(0);

		check(outer >= 0, "epoll_create1");
		check(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event) == 0, "epoll_ctl");
		inner = outer;
	}
	/* What is ready has to be looked at anew by each poll. */
	check(write(ends[1], "", 1) == 1, "write");
	for (long i = 0; i < count; i++) {
		struct pollfd polled = { .fd = inner, .events = POLLIN };

		check(poll(&polled, 1, 0) == 1, "poll");
	}
}

static char state_of(pid_t pid)
{
	char path[64], text[512], *end;
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	check(file != NULL, path);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = 0;
	end = strrchr(text, ')');
	return end ? end[2] : 0;
}

/*
 * COUNT processes wait in msgrcv at the same time. When all are through, each calls it once more, at the same depth of its
 * stack, and one after the other, so that no return is missed then.
 */
static void waiting(long count)
{
	int queue = msgget(IPC_PRIVATE, 0600), through[2];
	struct { long type; } message;
	pid_t pids[1024];
	int gates[1024][2];
	char byte;

	check(queue >= 0, "msgget");
	check(count <= 1024 && pipe(through) == 0, "pipe");
	for (long i = 0; i < count; i++) {
		check(pipe(gates[i]) == 0, "pipe");
		pids[i] = fork();
		check(pids[i] >= 0, "fork");
		if (pids[i] == 0) {
			check(write(through[1], "", 1) == 1, "write");
			for (int again = 0; again < 2; again++) {
				msgrcv(queue, &message, 0, i + 1, again ? IPC_NOWAIT : 0);
				check(write(through[1], "", 1) == 1, "write");
				check(again || read(gates[i][0], &byte, 1) == 1, "read");
			}
			_exit(0);
		}
		check(read(through[0], &byte, 1) == 1, "read");
		while (state_of(pids[i]) != 'S')
			usleep(1000);
	}
	for (long i = 0; i < count; i++) {
		message.type = i + 1;
		check(msgsnd(queue, &message, 0, 0) == 0, "msgsnd");
	}
	for (long i = 0; i < count; i++)
		check(read(through[0], &byte, 1) == 1, "read");
	for (long i = 0; i < count; i++) {
		check(write(gates[i][1], "", 1) == 1, "write");
		check(read(through[0], &byte, 1) == 1, "read");
	}
	for (long i = 0; i < count; i++)
		check(wait(NULL) > 0, "wait");
	msgctl(queue, IPC_RMID, NULL);
}

/* A timer that never fires, set again and again. */
static void timers(long count)
{
	struct itimerval timer = { .it_value.tv_sec = 1000 };

	for (long i = 0; i < count; i++)
		check(setitimer(ITIMER_VIRTUAL, &timer, NULL) == 0, "setitimer");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(long count);
	} all[] = {
		{ "getsid", getsids },   { "nap", naps },        { "nested", nested_polls },
		{ "waiting", waiting },  { "timer", timers },
	};

	for (unsigned i = 0; argc == 3 && i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(argv[1], all[i].name) == 0) {
			all[i].run(atol(argv[2]));
			return 0;
		}
	}
	fprintf(stderr, "calls: no such name\n");
	return 2;
}
