// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "registers.bpf.h"
#include "socket.bpf.h"

/* include/net/inet_frag.h: all of the datagram has arrived. */
#define INET_FRAG_COMPLETE 4

/* include/uapi/linux/icmp.h, icmpv6.h: it is larger than what comes next takes. */
#define ICMP_DEST_UNREACH 3
#define ICMP_FRAG_NEEDED 4
#define ICMPV6_PKT_TOOBIG 2

enum { EPERM = 1, ENOENT = 2, ENOMEM = 12, EINVAL = 22, EMSGSIZE = 90 };

/*
 * Not 0: the inode number of the network namespace that is counted. Functions' returns tell the namespace only by fexit,
 * and rejected fragments of IPv6 never.
 */
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

enum rejection { LATE, MEMORY, INVALID, UNSPECIFIED, REJECTIONS };
enum failure { TOO_BIG, OUTPUT, FAILURES };

struct cpu_fragments {
	u64 timeouts[NETWORK_TYPES];
	u64 rejected[NETWORK_TYPES][REJECTIONS];
	u64 failures[NETWORK_TYPES][FAILURES];
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
	add_to(&cpu->timeouts[type], 1);
	return 0;
}

static __always_inline int defragged(enum network_type type, int result)
{
	struct cpu_fragments *cpu = percpu_element(&ip_fragment);

	if (!cpu)
		return 0;
	if (result == -ENOENT)
		add_to(&cpu->rejected[type][LATE], 1);
	else if (result == -ENOMEM)
		add_to(&cpu->rejected[type][MEMORY], 1);
	else if (result == -EINVAL)
		add_to(&cpu->rejected[type][INVALID], 1);
	/* ipv6_frag_rcv() returns a plain -1 for what it sees before it looks at the datagram's other fragments. */
	else if (type == IPV6 && result == -EPERM)
		add_to(&cpu->rejected[type][UNSPECIFIED], 1);
	return 0;
}

/* A packet that is dropped here, and whose sender is told. */
static __always_inline int too_big(const struct sk_buff *skb, enum network_type type)
{
	struct cpu_fragments *cpu = percpu_element(&ip_fragment);

	if (!cpu || (only_netns && BPF_CORE_READ(skb, dev, nd_net.net, ns.inum) != only_netns))
		return 0;
	add_to(&cpu->failures[type][TOO_BIG], packets_between(BPF_CORE_READ(skb, head), BPF_CORE_READ(skb, end)));
	return 0;
}

/* What is too big is counted where its sender is told, which also happens where nothing is to be fragmented. */
static __always_inline int fragmented(enum network_type type, int result)
{
	struct cpu_fragments *cpu = percpu_element(&ip_fragment);

	if (cpu && result && !(type == IPV6 && result == -EMSGSIZE))
		add_to(&cpu->failures[type][OUTPUT], 1);
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
	return defragged(IPV4, result);
}

SEC("kretprobe/ip_defrag")
int ip_defrag_kretprobe(void *regs)
{
	return defragged(IPV4, return_value(regs));
}

SEC("fexit/ipv6_frag_rcv")
int BPF_PROG(ipv6_frag_rcv_fexit, void *skb, int result)
{
	return defragged(IPV6, result);
}

SEC("kretprobe/ipv6_frag_rcv")
int ipv6_frag_rcv_kretprobe(void *regs)
{
	return defragged(IPV6, return_value(regs));
}

SEC("fentry/__icmp_send")
int BPF_PROG(icmp_send_fentry, const struct sk_buff *skb, int type, int code)
{
	return type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED ? too_big(skb, IPV4) : 0;
}

SEC("kprobe/__icmp_send")
int icmp_send_kprobe(void *regs)
{
	bool is_told = (int)second_argument(regs) == ICMP_DEST_UNREACH && (int)third_argument(regs) == ICMP_FRAG_NEEDED;

	return is_told ? too_big((void *)first_argument(regs), IPV4) : 0;
}

SEC("fentry/icmp6_send")
int BPF_PROG(icmp6_send_fentry, const struct sk_buff *skb, u8 type)
{
	return type == ICMPV6_PKT_TOOBIG ? too_big(skb, IPV6) : 0;
}

SEC("kprobe/icmp6_send")
int icmp6_send_kprobe(void *regs)
{
	return (u8)second_argument(regs) == ICMPV6_PKT_TOOBIG ? too_big((void *)first_argument(regs), IPV6) : 0;
}

SEC("fexit/ip_do_fragment")
int BPF_PROG(ip_do_fragment_fexit, struct net *net, void *sk, void *skb, void *output, int result)
{
	return only_netns && net->ns.inum != only_netns ? 0 : fragmented(IPV4, result);
}

SEC("kretprobe/ip_do_fragment")
int ip_do_fragment_kretprobe(void *regs)
{
	return fragmented(IPV4, return_value(regs));
}

SEC("fexit/ip6_fragment")
int BPF_PROG(ip6_fragment_fexit, struct net *net, void *sk, void *skb, void *output, int result)
{
	return only_netns && net->ns.inum != only_netns ? 0 : fragmented(IPV6, result);
}

SEC("kretprobe/ip6_fragment")
int ip6_fragment_kretprobe(void *regs)
{
	return fragmented(IPV6, return_value(regs));
}

char LICENSE[] SEC("license") = "GPL";
