// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cache.bpf.h"
#include "histogram.bpf.h"
#include "kernel.bpf.h"
#include "percpu.bpf.h"
#include "registers.bpf.h"
#include "socket.bpf.h"
#include "stamp_set.bpf.h"

/* Errnos are below 134; the last two places are for those that aren't, and for connections that were never sent. */
#define FAILURES 136
#define FAILED_OTHER 134
#define FAILED_NOT_SENT 135
/* Sets of connections that are being opened: 128 KiB for all CPUs together. */
#define STAMP_BITS 11
/* Sets of tasks that are in accept(): 16 KiB. */
#define ACCEPTING_BITS 8
/* At which connections are accepted, besides those of the cache. */
#define MAX_ACCEPT_PORTS 256

const volatile bool enable_opened = true;
const volatile bool enable_accepted = true;
const volatile bool enable_failed = true;
const volatile bool enable_connect_latency = true;
const volatile bool enable_connect_unmatched = true;
const volatile bool enable_rtt = true;
/* Set where accept() can be seen. */
const volatile bool stamp_accepts = false;
/* Not 0: the inode number of the network namespace that is counted. */
const volatile u32 only_netns = 0;

struct cpu_tcp {
	u64 retransmits[NETWORK_TYPES][TCP_STATES];
	u64 resets_sent[NETWORK_TYPES][TCP_STATES];
	u64 resets_received[NETWORK_TYPES][TCP_STATES];
	u64 opened[NETWORK_TYPES];
	u64 accepted[NETWORK_TYPES];
	u64 failed[NETWORK_TYPES][FAILURES];
	struct hist connect[NETWORK_TYPES];
	struct hist rtt[NETWORK_TYPES];
	u64 unmatched;
	u64 unmatched_accepts;
} CPU_ALIGNED;

PERCPU_TABLE(tcp, struct cpu_tcp);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << STAMP_BITS);
	__type(key, u32);
	__type(value, struct stamp_set);
} stamps SEC(".maps");

/* By task; the time is that of its call, and odd where the listener's port was chosen by its process. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << ACCEPTING_BITS);
	__type(key, u32);
	__type(value, struct stamp_set);
} accepting SEC(".maps");

struct accept_key {
	/* 0: one that the kernel chose. */
	u16 port;
	u16 type;
	/* No key is all zero. */
	u32 _;
} __attribute__((aligned(8)));

CACHED_MAP(tcp_accept, struct accept_key, struct hist, MAX_ACCEPT_PORTS);

static __always_inline bool has_stamps(void)
{
	return enable_connect_latency || enable_connect_unmatched;
}

static __always_inline bool is_counted(const struct sock_common *sock)
{
	return !only_netns || socket_netns(sock) == only_netns;
}

/* When the socket began to connect, or was established and waits to be accepted. */
static __always_inline void put_stamp(const struct sock *sk)
{
	put_in(stamp_set(&stamps, STAMP_BITS, (u64)sk), (u64)sk, bpf_ktime_get_ns());
}

static __always_inline u64 take_stamp(const struct sock *sk)
{
	return take_from(stamp_set(&stamps, STAMP_BITS, (u64)sk), (u64)sk);
}

static __always_inline void count_opened(struct cpu_tcp *cpu, const struct sock *sk)
{
	enum network_type type = socket_network_type(&sk->__sk_common);
	u64 started;

	if (enable_opened)
		add_to(&cpu->opened[type], 1);
	if (!has_stamps())
		return;
	started = take_stamp(sk);
	if (!started) {
		if (enable_connect_unmatched)
			add_to(&cpu->unmatched, 1);
		return;
	}
	if (enable_connect_latency)
		hist_add_ns(&cpu->connect[type], bpf_ktime_get_ns() - started);
}

static __always_inline void count_failed(struct cpu_tcp *cpu, const struct sock *sk)
{
	enum network_type type = socket_network_type(&sk->__sk_common);
	u32 failure = sk->sk_err;

	/* Nothing came from the network: the process closed it, or connect() itself failed and left the socket as it was. */
	if (failure == 0 && sk->sk_shutdown != SHUTDOWN_MASK)
		failure = FAILED_NOT_SENT;
	else if (failure >= FAILED_OTHER)
		failure = FAILED_OTHER;
	add_to(&cpu->failed[type][failure], 1);
}

static __always_inline void count_rtt(struct cpu_tcp *cpu, const struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);
	u32 eighths = tcp ? tcp->srtt_us : 0;

	if (eighths)
		hist_add_ns(&cpu->rtt[socket_network_type(&sk->__sk_common)], eighths * 125ULL);
}

/*
 * Two SYNs that cross bring a connecting socket to SYN_RECV too, as does a connection to itself. There an accepted
 * connection has no struct socket yet or, after a fast open, one that is connected.
 */
static __always_inline bool is_connecting(const struct sock *sk)
{
	const struct socket *socket = sk->sk_socket;

	return socket && socket->state == SS_CONNECTING;
}

/* Most changes of state tell nothing, so that is found out before the socket is looked at. */
static __always_inline bool tells(int from, int to)
{
	switch (to) {
	case TCP_SYN_SENT:
		return has_stamps();
	case TCP_ESTABLISHED:
		return enable_opened || enable_accepted || stamp_accepts || has_stamps();
	case TCP_CLOSE:
		if (from == TCP_SYN_SENT || from == TCP_SYN_RECV)
			return enable_failed || has_stamps();
		return enable_rtt && from != TCP_LISTEN && from != TCP_CLOSE;
	default:
		return false;
	}
}

static __always_inline void count_accepted(struct cpu_tcp *cpu, const struct sock *sk)
{
	if (enable_accepted)
		add_to(&cpu->accepted[socket_network_type(&sk->__sk_common)], 1);
	if (stamp_accepts)
		put_stamp(sk);
}

static __always_inline void count_established(struct cpu_tcp *cpu, const struct sock *sk, int from)
{
	if (from == TCP_SYN_SENT || (from == TCP_SYN_RECV && is_connecting(sk)))
		count_opened(cpu, sk);
	else if (from == TCP_SYN_RECV)
		count_accepted(cpu, sk);
}

static __always_inline void count_closed(struct cpu_tcp *cpu, const struct sock *sk, int from)
{
	if (from == TCP_SYN_SENT || (from == TCP_SYN_RECV && is_connecting(sk))) {
		if (has_stamps())
			take_stamp(sk);
		if (enable_failed)
			count_failed(cpu, sk);
	} else if (enable_rtt && from != TCP_SYN_RECV) {
		count_rtt(cpu, sk);
	}
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, const struct sock *sk, int from, int to)
{
	struct cpu_tcp *cpu;

	/* Other protocols have these states too. */
	if (!tells(from, to) || sk->sk_protocol != IPPROTO_TCP || !is_counted(&sk->__sk_common))
		return 0;
	cpu = percpu_element(&tcp);
	if (!cpu)
		return 0;
	if (to == TCP_SYN_SENT)
		put_stamp(sk);
	else if (to == TCP_ESTABLISHED)
		count_established(cpu, sk, from);
	else
		count_closed(cpu, sk, from);
	return 0;
}

/* A process has got a connection. */
static __always_inline void count_accept(struct cpu_tcp *cpu, u64 socket, struct accept_key key)
{
	u64 established = take_from(stamp_set(&stamps, STAMP_BITS, socket), socket);
	struct hist *hist;

	if (!established) {
		add_to(&cpu->unmatched_accepts, 1);
		return;
	}
	key._ = 1;
	hist = tcp_accept_at(cache_place(key.port, key.type), key);
	if (hist)
		hist_add_ns(hist, bpf_ktime_get_ns() - established);
}

/* The function's arguments since 6.10, which were four until then: what it returns stands behind them. */
struct proto_accept_arg {
	int err;
};

SEC("fexit/inet_csk_accept")
int BPF_PROG(accept_fexit, const struct sock *listener)
{
	struct cpu_tcp *cpu = percpu_element(&tcp);
	struct accept_key key = {};
	const struct sock *sk;

	/* One load of either would have an address that isn't constant, which the verifier doesn't take. */
	if (bpf_core_type_exists(struct proto_accept_arg)) {
		sk = (const struct sock *)ctx[2];
		barrier_var(sk);
	} else {
		sk = (const struct sock *)ctx[4];
		barrier_var(sk);
	}
	if (!sk || !cpu || !is_counted(&sk->__sk_common))
		return 0;
	key.type = socket_network_type(&sk->__sk_common);
	if (has_bound_port(listener))
		key.port = sk->__sk_common.skc_num;
	count_accept(cpu, (u64)sk, key);
	return 0;
}

SEC("kprobe/inet_csk_accept")
int accept_kprobe(void *regs)
{
	const struct sock *listener = (const struct sock *)first_argument(regs);
	bool is_bound = BPF_CORE_READ_BITFIELD_PROBED(listener, sk_userlocks) & SOCK_BINDPORT_LOCK;
	u64 task = bpf_get_current_pid_tgid();

	put_in(stamp_set(&accepting, ACCEPTING_BITS, task), task, (bpf_ktime_get_ns() & ~1ULL) | is_bound);
	return 0;
}

SEC("kretprobe/inet_csk_accept")
int accept_kretprobe(void *regs)
{
	const struct sock *sk = (const struct sock *)return_value(regs);
	u64 task = bpf_get_current_pid_tgid();
	u64 called = take_from(stamp_set(&accepting, ACCEPTING_BITS, task), task);
	struct cpu_tcp *cpu = percpu_element(&tcp);
	struct accept_key key = {};
	__be32 peer[4] = {};

	if (!sk || !cpu)
		return 0;
	if (only_netns && BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != only_netns)
		return 0;
	bpf_core_read(peer, sizeof(peer), &sk->__sk_common.skc_v6_daddr);
	key.type = network_type_of(BPF_CORE_READ(sk, __sk_common.skc_family), peer);
	if (called & 1)
		key.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	count_accept(cpu, (u64)sk, key);
	return 0;
}

/* As tracepoints of segments have it: without a socket, or with one that is known by no more than its first part. */
static __always_inline u32 state_of(const struct sock_common *sock)
{
	return sock->skc_state & (TCP_STATES - 1);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset, const struct sock *sk, const struct sk_buff *skb)
{
	struct cpu_tcp *cpu = percpu_element(&tcp);
	enum network_type type;
	u32 state = 0, netns;

	/* Without a socket there is a segment that is answered, and the other way round. */
	if (skb)
		type = packet_network_type(skb);
	else if (sk)
		type = socket_network_type(&sk->__sk_common);
	else
		return 0;
	if (sk)
		state = state_of(&sk->__sk_common);
	if (only_netns) {
		netns = sk ? socket_netns(&sk->__sk_common) : 0;
		if (!netns && skb)
			netns = skb->dev->nd_net.net->ns.inum;
		if (netns != only_netns)
			return 0;
	}
	if (cpu)
		add_to(&cpu->resets_sent[type][state], 1);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset, const struct sock *sk)
{
	struct cpu_tcp *cpu = percpu_element(&tcp);

	if (cpu && is_counted(&sk->__sk_common))
		add_to(&cpu->resets_received[socket_network_type(&sk->__sk_common)][state_of(&sk->__sk_common)], 1);
	return 0;
}

static __always_inline void count_retransmits(const struct sock_common *sock, u32 state, u64 segments)
{
	struct cpu_tcp *cpu = percpu_element(&tcp);

	if (cpu && is_counted(sock) && state < TCP_STATES)
		add_to(&cpu->retransmits[socket_network_type(sock)][state], segments);
}

/* As tcp_skb_pcount() of include/net/tcp.h, by which the kernel counts RetransSegs. */
static __always_inline u64 segments_of(const struct sk_buff *skb)
{
	u16 segments = ((const struct tcp_skb_cb *)skb->cb)->tcp_gso_segs;

	return segments ?: 1;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, const struct sock *sk, const struct sk_buff *skb)
{
	/* Where the tracepoint has the result as its third argument it also fires for what could not be sent. */
	if (bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb, err) && (int)ctx[2])
		return 0;
	count_retransmits(&sk->__sk_common, sk->__sk_common.skc_state, segments_of(skb));
	return 0;
}

/* What answers a SYN has no socket yet, so this is a tracepoint of its own. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_retransmit_synack, const struct sock *sk, const struct request_sock *req)
{
	count_retransmits(&req->__req_common, TCP_SYN_RECV, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
