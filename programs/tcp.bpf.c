// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kernel.bpf.h"
#include "percpu.bpf.h"

#define AF_INET6 10
/* The states of include/net/tcp_states.h are 1 to 13. */
#define TCP_STATES 16
#define TCP_SYN_RECV 3

/* Not 0: the inode number of the network namespace that is counted. */
const volatile u32 only_netns = 0;

enum network_type { IPV4, IPV6, NETWORK_TYPES };

struct cpu_tcp {
	u64 retransmits[NETWORK_TYPES][TCP_STATES];
} CPU_ALIGNED;

PERCPU_TABLE(tcp, struct cpu_tcp);

/* An IPv6 socket with a peer ::ffff:a.b.c.d sends IPv4. */
static __always_inline enum network_type network_type(const struct sock_common *sock)
{
	const __be32 *peer = sock->skc_v6_daddr.in6_u.u6_addr32;

	if (sock->skc_family != AF_INET6)
		return IPV4;
	if (peer[0] == 0 && peer[1] == 0 && peer[2] == bpf_htonl(0xffff))
		return IPV4;
	return IPV6;
}

static __always_inline void count(const struct sock_common *sock, u32 state)
{
	struct cpu_tcp *cpu = percpu_element(&tcp);

	if (only_netns && sock->skc_net.net->ns.inum != only_netns)
		return;
	if (cpu && state < TCP_STATES)
		cpu->retransmits[network_type(sock)][state] += 1;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, const struct sock *sk)
{
	/* Where the tracepoint has the result as its third argument it also fires for what could not be sent. */
	if (bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb, err) && (int)ctx[2])
		return 0;
	count(&sk->__sk_common, sk->__sk_common.skc_state);
	return 0;
}

/* What answers a SYN has no socket yet, so this is a tracepoint of its own. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_synack, const struct sock *sk, const struct request_sock *req)
{
	count(&req->__req_common, TCP_SYN_RECV);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
