// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kernel.bpf.h"
#include "socket.bpf.h"

/* Memory is taken only for what is there. */
#define MAX_PORTS 4096
#define MAX_SOCKETS 16384

const volatile bool enable_queues = true;
const volatile bool enable_drops = true;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_iter_meta {
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

#pragma clang attribute pop

struct listener_key {
	/* 0: one that the kernel chose. */
	u16 port;
	u16 type;
};

/* What the sockets of a port have together. */
struct listener {
	u64 sockets;
	u64 accept_queue;
	u64 accept_limit;
	u64 syn_queue;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_PORTS);
	__type(key, struct listener_key);
	__type(value, struct listener);
} tcp_listeners SEC(".maps");

/* Since the program runs, of sockets that are gone too. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_PORTS);
	__type(key, struct listener_key);
	__type(value, u64);
} tcp_listener_drops SEC(".maps");

/* What of a socket's drops is counted. */
struct followed {
	struct listener_key key;
	u32 drops;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_SOCKETS);
	__type(key, u64);
	__type(value, struct followed);
} followed SEC(".maps");

/* Listening sockets at the last reading for which a map had no room. */
u64 unfollowed;
/* Drops at ports for which the map had no room. */
u64 drops_lost;
/* Whether there ever were any: one that is new here may then be old. */
static bool was_full;
/* The first reading, at which all sockets are older than the program. */
static u64 first_session;

static __always_inline void count_drops(const struct listener_key *key, u32 drops)
{
	u64 zero = 0, *counted;

	/* A difference modulo 2^32, as the kernel's counter is. */
	if (!drops)
		return;
	bpf_map_update_elem(&tcp_listener_drops, key, &zero, BPF_NOEXIST);
	counted = bpf_map_lookup_elem(&tcp_listener_drops, key);
	__sync_fetch_and_add(counted ?: &drops_lost, drops);
}

/* The kernel holds the socket's lock, so that it isn't destroyed meanwhile. */
static __always_inline bool follow(struct sock *sk, const struct listener_key *key, bool is_new)
{
	u64 address = (u64)sk, zero = 0;
	u32 drops = sk->sk_drops.counter;
	struct followed *known = bpf_map_lookup_elem(&followed, &address);
	struct followed first = { .key = *key, .drops = drops };
	bool is_known = known && known->key.port == key->port && known->key.type == key->type;

	if (!known && bpf_map_update_elem(&followed, &address, &first, BPF_NOEXIST))
		return false;
	/* So that the port's series begins at 0. */
	if (!is_known)
		bpf_map_update_elem(&tcp_listener_drops, key, &zero, BPF_NOEXIST);
	if (known) {
		/* Elsewhere than before it listens anew, or another does in its memory: see may_listen(). */
		known->key = *key;
		count_drops(key, drops - known->drops);
		known->drops = drops;
	} else if (is_new)
		count_drops(key, drops);
	return true;
}

static __always_inline bool add_listener(const struct listener_key *key, struct tcp_sock *tcp)
{
	const struct sock *sk = &tcp->inet_conn.icsk_inet.sk;
	struct listener zero = {}, *listener;

	bpf_map_update_elem(&tcp_listeners, key, &zero, BPF_NOEXIST);
	listener = bpf_map_lookup_elem(&tcp_listeners, key);
	if (!listener)
		return false;
	listener->sockets += 1;
	listener->accept_queue += sk->sk_ack_backlog;
	listener->accept_limit += sk->sk_max_ack_backlog;
	listener->syn_queue += tcp->inet_conn.icsk_accept_queue.qlen.counter;
	return true;
}

/*
 * All but a few sockets have had a peer, or never were given a limit by listen(). One that was given 0 and has dropped
 * nothing is taken for these: what is kept of it is as true of the next socket in its memory.
 */
static __always_inline bool may_listen(const struct sock *sk)
{
	return !sk->__sk_common.skc_dport && (sk->sk_max_ack_backlog || sk->sk_drops.counter);
}

/* What a listener of many years has dropped is not lost when it goes. First, so that none goes unseen. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_sock, struct sock *sk)
{
	u64 address = (u64)sk;
	struct followed *known;

	if (!may_listen(sk))
		return 0;
	known = bpf_map_lookup_elem(&followed, &address);
	if (!known)
		return 0;
	count_drops(&known->key, sk->sk_drops.counter - known->drops);
	bpf_map_delete_elem(&followed, &address);
	return 0;
}

SEC("iter/tcp")
int dump_listeners(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	u64 session = ctx->meta->session_id;
	struct listener_key key = {};
	struct tcp_sock *tcp;
	struct sock *sk;
	bool is_new;

	if (ctx->meta->seq_num == 0)
		unfollowed = 0;
	if (!first_session)
		first_session = session;
	if (!common)
		return 0;
	/* Listeners come first, and nothing else is wanted: 1 ends the reading. One may have been closed since it was found. */
	if (common->skc_state != TCP_LISTEN)
		return common->skc_state != TCP_CLOSE;
	tcp = bpf_skc_to_tcp_sock(common);
	if (!tcp)
		return 0;
	sk = &tcp->inet_conn.icsk_inet.sk;
	if (has_bound_port(sk))
		key.port = common->skc_num;
	key.type = socket_network_type(common);
	is_new = session != first_session && !was_full;
	if ((enable_drops && !follow(sk, &key, is_new)) || (enable_queues && !add_listener(&key, tcp))) {
		unfollowed += 1;
		was_full = true;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
