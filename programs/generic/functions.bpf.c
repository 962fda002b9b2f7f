// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Calls of any functions of the kernel, and how long they take. User space attaches these programs, numbers the
 * functions, and says each program's hook its function's number: by the hook's cookie where there are cookies, else by
 * a constant in programs of that function alone.
 */
/* Kprobes keep each other out of a CPU. */
#define ADDS_UNINTERRUPTED

#include "histogram.bpf.h"

enum { BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_LRU_HASH = 9 };

/* Calls within one another on one stack whose beginnings are kept. */
#define DEPTH 16
/* Kernel stacks begin at a multiple of 2^14: THREAD_SIZE on x86-64 and arm64, whose interrupt stacks are as large. */
#define STACK_BITS 14

const volatile bool by_cookie = true;
const volatile u32 only_slot = 0;
/* Whether the durations are wanted; then there are programs at the returns too. */
const volatile bool with_latency = true;
/* The registers' order is the processor's, as its uapi/asm/ptrace.h has it; x86-64 unless this is set. */
const volatile bool on_arm64 = false;

struct function_calls {
	u64 calls;
	/* Calls whose duration isn't known. */
	u64 missed;
	struct hist latency;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct function_calls);
} function_calls SEC(".maps");

struct call {
	u64 start;
	/* The stack pointer at the function's first instruction. */
	u64 stack_pointer;
	u64 slot;
};

/* Calls that haven't returned, innermost last. */
struct call_stack {
	u64 depth;
	struct call calls[DEPTH];
};

/*
 * By the stack rather than by the task: an interrupt has a stack of its own, and on one stack every call with a lower
 * stack pointer than the present one is over, whether or not its return was seen. Only who runs on a stack writes its
 * element. An LRU map, since nobody tells when a stack is gone; what it drops too early is counted at its return.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct call_stack);
} call_stacks SEC(".maps");

static const struct call_stack no_calls;

/*
 * Of struct pt_regs on x86-64, struct user_pt_regs on arm64. In assembler, since clang makes one load of the two, at an
 * offset that it chooses between, and the verifier takes only constants.
 */
static __always_inline u64 stack_pointer_of(void *ctx)
{
	u64 value;

	if (on_arm64)
		asm volatile("%0 = *(u64 *)(%1 + 248)" : "=r"(value) : "r"(ctx));
	else
		asm volatile("%0 = *(u64 *)(%1 + 152)" : "=r"(value) : "r"(ctx));
	return value;
}

static __always_inline void count_missed(u32 slot)
{
	struct function_calls *function = bpf_map_lookup_elem(&function_calls, &slot);

	if (function)
		function->missed += 1;
}

static __always_inline void begin(u32 slot, u64 stack_pointer)
{
	u64 key = stack_pointer >> STACK_BITS, depth;
	struct call_stack *stack = bpf_map_lookup_elem(&call_stacks, &key);
	struct call *call;

	if (!stack) {
		bpf_map_update_elem(&call_stacks, &key, &no_calls, 0);
		stack = bpf_map_lookup_elem(&call_stacks, &key);
		if (!stack)
			return;
	}
	depth = stack->depth;
	for (int i = 0; i < DEPTH && depth; i++) {
		call = &stack->calls[(depth - 1) & (DEPTH - 1)];
		/* The same place on the stack and another function: that one may have jumped to this one. */
		if (call->stack_pointer > stack_pointer ||
		    (call->stack_pointer == stack_pointer && call->slot != slot))
			break;
		count_missed(call->slot);
		depth--;
	}
	if (depth < DEPTH) {
		call = &stack->calls[depth & (DEPTH - 1)];
		call->stack_pointer = stack_pointer;
		call->slot = slot;
		call->start = bpf_ktime_get_ns();
		depth++;
	}
	stack->depth = depth;
}

static __always_inline int enter(u32 slot, void *ctx)
{
	struct function_calls *function = bpf_map_lookup_elem(&function_calls, &slot);

	if (!function)
		return 0;
	function->calls += 1;
	if (with_latency)
		begin(slot, stack_pointer_of(ctx));
	return 0;
}

static __always_inline int leave(u32 slot, void *ctx)
{
	u64 now = bpf_ktime_get_ns();
	u64 stack_pointer = stack_pointer_of(ctx);
	u64 key = stack_pointer >> STACK_BITS;
	struct function_calls *function = bpf_map_lookup_elem(&function_calls, &slot);
	struct call_stack *stack = bpf_map_lookup_elem(&call_stacks, &key);
	u64 depth, start = 0;

	if (!function)
		return 0;
	if (!stack) {
		function->missed += 1;
		return 0;
	}
	depth = stack->depth;
	for (int i = 0; i < DEPTH && depth && !start; i++) {
		struct call *call = &stack->calls[(depth - 1) & (DEPTH - 1)];
		/* x86 has taken the return address, 8 bytes, from the stack by now; arm64 has it in a register. */
		bool here = call->stack_pointer == stack_pointer || call->stack_pointer + 8 == stack_pointer;

		if (here && call->slot == slot)
			start = call->start;
		else if (call->stack_pointer >= stack_pointer)
			break;
		else
			count_missed(call->slot);
		depth--;
	}
	stack->depth = depth;
	if (start)
		hist_add_ns(&function->latency, now - start);
	else
		function->missed += 1;
	return 0;
}

static __always_inline u32 slot_of(void *ctx)
{
	return by_cookie ? bpf_get_attach_cookie(ctx) : only_slot;
}

SEC("?kprobe.multi")
int enter_multi(void *ctx)
{
	return enter(slot_of(ctx), ctx);
}

SEC("?kretprobe.multi")
int leave_multi(void *ctx)
{
	return leave(slot_of(ctx), ctx);
}

SEC("?kprobe")
int enter_single(void *ctx)
{
	return enter(slot_of(ctx), ctx);
}

SEC("?kretprobe")
int leave_single(void *ctx)
{
	return leave(slot_of(ctx), ctx);
}

char LICENSE[] SEC("license") = "GPL";
