// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "kernel.bpf.h"
#include "socket.bpf.h"

#define MAX_PORTS 1024
#define ENOMEM 12

/* Local ports from this one on are counted together, as port 0: a client gets another one each time. */
const volatile u32 ephemeral_from = 32768;
/* Not 0: the inode number of the network namespace that is counted. */
const volatile u32 only_netns = 0;

enum drop_reason { RECEIVE_BUFFER = 1, MEMORY = 2 };

struct drop_key {
	u16 port;
	u16 reason;
	u32 _;
} __attribute__((aligned(8)));

CACHED_MAP(udp_receive_drops, struct drop_key, u64, MAX_PORTS);

/* Since 6.10, when the tracepoint got the buffer as its third argument. */
struct trace_event_raw_udp_fail_queue_rcv_skb {
	u16 family;
} __attribute__((preserve_access_index));

/* More than one where the socket takes datagrams put together (UDP_GRO). */
static __always_inline u64 datagrams_of(unsigned long long *ctx)
{
	if (!bpf_core_field_exists(struct trace_event_raw_udp_fail_queue_rcv_skb, family))
		return 1;
	return buffer_packets((const struct sk_buff *)ctx[2]);
}

SEC("tp_btf/udp_fail_queue_rcv_skb")
int BPF_PROG(udp_fail_queue_rcv_skb, int error, const struct sock *sk)
{
	u32 port = sk->__sk_common.skc_num;
	struct drop_key key = { .reason = error == -ENOMEM ? RECEIVE_BUFFER : MEMORY };
	u64 datagrams, *drops;

	if (only_netns && socket_netns(&sk->__sk_common) != only_netns)
		return 0;
	if (port < ephemeral_from)
		key.port = port;
	drops = udp_receive_drops_at(cache_place(key.port, key.reason), key);
	datagrams = datagrams_of(ctx);
	if (drops)
		add_to(drops, datagrams);
	else
		/* One of them is counted. */
		count_lost_events(&udp_receive_drops_lost, datagrams - 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
