// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "registers.bpf.h"
#include "socket.bpf.h"

/* include/net/inet_frag.h: all of the datagram has arrived. */
#define INET_FRAG_COMPLETE 4

enum { ENOENT = 2, ENOMEM = 12, EINVAL = 22 };

/* Not 0: the inode number of the network namespace that is counted; of rejected fragments only by fexit. */
const volatile u32 only_netns = 0;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct fqdir {
	struct net *net;
};

struct inet_frag_queue {
	struct timer_list timer;
	u8 flags;
	struct fqdir *fqdir;
};

#pragma clang attribute pop

enum rejection { LATE, MEMORY, INVALID, REJECTIONS };

struct cpu_fragments {
	u64 timeouts[NETWORK_TYPES];
	u64 rejected[REJECTIONS];
} CPU_ALIGNED;

PERCPU_TABLE(ip_fragment, struct cpu_fragments);

/* Called when the timer of a datagram's fragments has run out, which may be in the moment that it was completed. */
static __always_inline int expire(const void *timer, enum network_type type)
{
	const struct inet_frag_queue *queue = timer - bpf_core_field_offset(struct inet_frag_queue, timer);
	struct cpu_fragments *cpu = percpu_element(&ip_fragment);

	if (!cpu || BPF_CORE_READ(queue, flags) & INET_FRAG_COMPLETE)
		return 0;
	if (only_netns && BPF_CORE_READ(queue, fqdir, net, ns.inum) != only_netns)
		return 0;
	cpu->timeouts[type] += 1;
	return 0;
}

static __always_inline int defragged(int result)
{
	struct cpu_fragments *cpu = percpu_element(&ip_fragment);

	if (!cpu)
		return 0;
	if (result == -ENOENT)
		cpu->rejected[LATE] += 1;
	else if (result == -ENOMEM)
		cpu->rejected[MEMORY] += 1;
	else if (result == -EINVAL)
		cpu->rejected[INVALID] += 1;
	return 0;
}

SEC("fentry/ip_expire")
int BPF_PROG(ip_expire_fentry, struct timer_list *timer)
{
	return expire(timer, IPV4);
}

SEC("kprobe/ip_expire")
int ip_expire_kprobe(void *regs)
{
	return expire((void *)first_argument(regs), IPV4);
}

SEC("fentry/ip6_frag_expire")
int BPF_PROG(ip6_frag_expire_fentry, struct timer_list *timer)
{
	return expire(timer, IPV6);
}

SEC("kprobe/ip6_frag_expire")
int ip6_frag_expire_kprobe(void *regs)
{
	return expire((void *)first_argument(regs), IPV6);
}

SEC("fexit/ip_defrag")
int BPF_PROG(ip_defrag_fexit, struct net *net, struct sk_buff *skb, u32 user, int result)
{
	if (only_netns && net->ns.inum != only_netns)
		return 0;
	return defragged(result);
}

SEC("kretprobe/ip_defrag")
int ip_defrag_kretprobe(void *regs)
{
	return defragged(return_value(regs));
}

char LICENSE[] SEC("license") = "GPL";
