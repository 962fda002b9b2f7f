// SPDX-License-Identifier: Apache-2.0
// The floor of a scrape: reads a map in batches and formats its numbers as text, with the labels' text at hand.
// No HTTP, no decoding, no program could do less. Prints CPU milliseconds per round as JSON.
//   floor MAP_ID NUMBERS_PER_ENTRY ROUNDS
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(__NR_bpf, command, attr, sizeof(*attr));
}

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static char *decimal(char *out, uint64_t value)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = '0' + value % 10;
	while (value /= 10);
	while (n)
		*out++ = digits[--n];
	return out;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: floor MAP_ID NUMBERS_PER_ENTRY ROUNDS\n");
		return 2;
	}
	union bpf_attr attr = {.map_id = atoi(argv[1])};
	int numbers = atoi(argv[2]), rounds = atoi(argv[3]);
	int fd = bpf(BPF_MAP_GET_FD_BY_ID, &attr);
	struct bpf_map_info info = {};

	attr = (union bpf_attr){.info = {.bpf_fd = fd, .info_len = sizeof(info), .info = (uint64_t)&info}};
	if (fd < 0 || bpf(BPF_OBJ_GET_INFO_BY_FD, &attr)) {
		perror("map");
		return 1;
	}
	const char *prefix = "ebpf_bench_counter_total{device=\"12\",process=\"123456\",operation=\"read\"} ";
	size_t prefix_length = strlen(prefix);
	char *keys = malloc((size_t)info.max_entries * info.key_size);
	char *values = malloc((size_t)info.max_entries * info.value_size);
	char *page = malloc((size_t)info.max_entries * numbers * (prefix_length + 24));
	double *times = malloc(rounds * sizeof(*times));

	for (int round = 0; round < rounds; round++) {
		double start = cpu_ms();
		uint32_t total = 0, batch = 0;

		for (int more = 1; more;) {
			attr = (union bpf_attr){.batch = {
				.in_batch = total ? (uint64_t)&batch : 0,
				.out_batch = (uint64_t)&batch,
				.keys = (uint64_t)(keys + (size_t)total * info.key_size),
				.values = (uint64_t)(values + (size_t)total * info.value_size),
				.count = info.max_entries - total,
				.map_fd = fd,
			}};
			more = bpf(BPF_MAP_LOOKUP_BATCH, &attr) == 0 && attr.batch.count > 0;
			total += attr.batch.count;
			if (total >= info.max_entries)
				break;
		}
		char *out = page;
		for (uint32_t entry = 0; entry < total; entry++) {
			uint64_t *value = (uint64_t *)(values + (size_t)entry * info.value_size);

			for (int i = 0; i < numbers; i++) {
				memcpy(out, prefix, prefix_length);
				out = decimal(out + prefix_length, value[i]);
				*out++ = '\n';
			}
		}
		times[round] = cpu_ms() - start;
	}
	qsort(times, rounds, sizeof(*times), compare);
	printf("{\"min\":%.3f,\"median\":%.3f}\n", times[0], times[rounds / 2]);
	return 0;
}
