// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "kernel.bpf.h"
#include "socket.bpf.h"

#define MAX_PLACES 1024

/* Not 0: the inode number of the network namespace that is counted. */
const volatile u32 only_netns = 0;

/* Since 5.17. What isn't a drop has no number before 6.4. */
enum skb_drop_reason {
	SKB_NOT_DROPPED_YET,
	SKB_CONSUMED,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* The tracepoint's arguments, by since when its record has them: the reason since 5.17, the receiver since 6.11. */
struct trace_event_raw_kfree_skb {
	void *rx_sk;
	enum skb_drop_reason reason;
};

#pragma clang attribute pop

/* By where and why: see place_of(). */
CACHED_MAP(packet_drops, u64, u64, MAX_PLACES);

/*
 * Eight bytes, so that the cache holds it: 4 bits of the reason's subsystem and 12 of the reason below the lower 48 of the
 * address, since the upper 16 of every address in the kernel are the same.
 */
static __always_inline u64 place_of(u64 address, u32 reason)
{
	return address << 16 | (reason >> 16 & 0xf) << 12 | (reason & 0xfff);
}

static __always_inline bool is_drop(u32 reason)
{
	if (bpf_core_enum_value_exists(enum skb_drop_reason, SKB_CONSUMED) &&
	    reason == bpf_core_enum_value(enum skb_drop_reason, SKB_CONSUMED))
		return false;
	return true;
}

/* Who was to receive it, else where it came from, else who sent it. */
static __always_inline u32 packet_netns(const struct sk_buff *skb, const struct sock *receiver)
{
	/* Read once, since the verifier takes no other reading's word for it that there is one. */
	const struct net_device *device = *(struct net_device *const volatile *)&skb->dev;
	const struct sock *sender = *(struct sock *const volatile *)&skb->sk;
	u32 netns = 0;

	if (receiver)
		netns = receiver->__sk_common.skc_net.net->ns.inum;
	if (!netns && device)
		netns = device->nd_net.net->ns.inum;
	if (!netns && sender)
		netns = sender->__sk_common.skc_net.net->ns.inum;
	return netns;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(kfree_skb, const struct sk_buff *skb, void *location)
{
	const struct sock *receiver = NULL;
	u64 address = (u64)location, packets, *drops;
	u32 reason = 0;

	if (bpf_core_field_exists(struct trace_event_raw_kfree_skb, reason))
		reason = ctx[2];
	if (!is_drop(reason))
		return 0;
	if (only_netns) {
		if (bpf_core_field_exists(struct trace_event_raw_kfree_skb, rx_sk))
			receiver = (const struct sock *)ctx[3];
		if (packet_netns(skb, receiver) != only_netns)
			return 0;
	}
	drops = packet_drops_at(cache_place(address, reason), place_of(address, reason));
	packets = buffer_packets(skb);
	if (drops)
		add_to(drops, packets);
	else
		/* One of them is counted. */
		count_lost_events(&packet_drops_lost, packets - 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
