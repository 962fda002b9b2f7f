/* Loads of memory, for load.c. */

/* New memory, whose pages come one by one as they are used. */
static char *new_memory(long bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED && madvise(memory, bytes, MADV_NOHUGEPAGE) == 0, "mmap");
	return memory;
}

/* Writes to COUNT MiB of new memory, a page at a time, under a name of its own. */
static long long touches(long count, const char *unused)
{
	long bytes = count << 20;
	char *memory = new_memory(bytes);
	long long start = now();

	prctl(PR_SET_NAME, "touch");
	for (long i = 0; i < bytes; i += BLOCK)
		memory[i] = 1;
	prctl(PR_SET_NAME, "load");
	return now() - start;
}

/* The same, but that the kernel writes. */
static long long fills(long count, const char *unused)
{
	int zeros = open("/dev/zero", O_RDONLY);
	long bytes = count << 20;
	char *memory = new_memory(bytes);
	long long start = now();

	check(zeros >= 0, "/dev/zero");
	prctl(PR_SET_NAME, "fill");
	for (long i = 0; i < bytes; i += BLOCK)
		check(read(zeros, memory + i, 1) == 1, "read");
	prctl(PR_SET_NAME, "load");
	return now() - start;
}

/* A byte of each page. */
static long long write_pages(char *memory, long count, const char *stop)
{
	long long start = measure_from(stop);

	for (long i = 0; i < count; i++)
		memory[i * BLOCK] = 1;
	return measured_since(start, stop);
}

/* Writes to COUNT pages of new memory, and faults nowhere else; told "stop", it stops before and after. */
static long long pages(long count, const char *stop)
{
	char *memory;

	check(mlockall(MCL_CURRENT) == 0, "mlockall");
	memory = new_memory(count * BLOCK);
	prctl(PR_SET_NAME, "pages");
	/* The clock's own page comes by a fault. */
	now();
	return write_pages(memory, count, stop);
}

/* Writes to pages that were swapped out; nothing else of the process can be. Told "stop", it stops before and after. */
static long long swaps_in(long count, const char *stop)
{
	char *memory;

	check(mlockall(MCL_CURRENT) == 0, "mlockall");
	memory = new_memory(count * BLOCK);
	/* Pages of zeros aren't written. */
	for (long i = 0; i < count; i++)
		memset(memory + i * BLOCK, 1 + i % 255, BLOCK);
	check(madvise(memory, count * BLOCK, MADV_PAGEOUT) == 0, "MADV_PAGEOUT");
	prctl(PR_SET_NAME, "swap-in");
	return write_pages(memory, count, stop);
}

/* Takes away and gives back the right to write to a page, which it then does; told "stop", it stops before and after. */
static long long protects(long count, const char *stop)
{
	volatile char *memory = new_memory(BLOCK);
	long long start;

	*memory = 1;
	start = measure_from(stop);
	while (count--) {
		check(mprotect((void *)memory, BLOCK, PROT_READ) == 0, "mprotect");
		check(mprotect((void *)memory, BLOCK, PROT_READ | PROT_WRITE) == 0, "mprotect");
		*memory = 1;
	}
	return measured_since(start, stop);
}
