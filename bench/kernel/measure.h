/* What all loads are measured with. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static inline long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* To one CPU, before all others where it may. */
static inline void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	check(sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
	sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 });
}

/* To the last CPU. */
static inline void pin(void)
{
	pin_to(sysconf(_SC_NPROCESSORS_ONLN) - 1);
}

/* When operations begin; told "stop", it stops before, so that neither the load's start nor its end is counted with them. */
static inline long long measure_from(const char *stop)
{
	if (*stop)
		raise(SIGSTOP);
	return now();
}

/* Nanoseconds since then; told "stop", it stops after. */
static inline long long measured_since(long long start, const char *stop)
{
	long long duration = now() - start;

	if (*stop)
		raise(SIGSTOP);
	return duration;
}
