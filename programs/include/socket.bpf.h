/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SOCKET_BPF_H
#define SOCKET_BPF_H

#include "kernel.bpf.h"

#define AF_INET6 10
/* include/uapi/linux/if_ether.h */
#define ETH_P_IPV6 0x86dd
#define IPPROTO_TCP 6
#define SHUTDOWN_MASK 3
/* include/net/sock.h */
#define SOCK_BINDPORT_LOCK 8

/* include/net/tcp_states.h: 1 to 13. */
#define TCP_STATES 16
enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_SYN_RECV = 3, TCP_CLOSE = 7, TCP_LISTEN = 10 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	possible_net_t nd_net;
};

struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__be16 skc_dport;
	/* The local port. */
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
};

/* include/uapi/linux/net.h */
typedef enum {
	SS_CONNECTING = 2,
} socket_state;

struct socket {
	socket_state state;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	u16 sk_protocol;
	u8 sk_shutdown;
	u8 sk_userlocks : 4;
	int sk_err;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
	atomic_t sk_drops;
};

struct request_sock {
	struct sock_common __req_common;
};

struct inet_sock {
	struct sock sk;
};

struct request_sock_queue {
	atomic_t qlen;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u32 srtt_us;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned int len;
	__be16 protocol;
	char cb[48];
	u32 end;
	unsigned char *head;
};

/* Behind a buffer's bytes. */
struct skb_shared_info {
	u16 gso_segs;
};

/* What TCP keeps in `cb` of the buffers that it has sent. */
struct tcp_skb_cb {
	u16 tcp_gso_segs;
};

struct trace_event_raw_tcp_retransmit_skb {
	int err;
};

#pragma clang attribute pop

#include <bpf/bpf_endian.h>

enum network_type { IPV4, IPV6, NETWORK_TYPES };

/* An IPv6 socket with a peer ::ffff:a.b.c.d speaks IPv4. */
static __always_inline enum network_type network_type_of(u16 family, const __be32 *peer)
{
	if (family != AF_INET6)
		return IPV4;
	if (peer[0] == 0 && peer[1] == 0 && peer[2] == bpf_htonl(0xffff))
		return IPV4;
	return IPV6;
}

static __always_inline enum network_type socket_network_type(const struct sock_common *sock)
{
	return network_type_of(sock->skc_family, sock->skc_v6_daddr.in6_u.u6_addr32);
}

static __always_inline enum network_type packet_network_type(const struct sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IPV6) ? IPV6 : IPV4;
}

/* No reason to look for a second packet: a flood of small ones is when this is called most. */
#define ONE_PACKET_BYTES 64

/*
 * The packets of a buffer, whose bytes begin and end there: several where what sends them cuts it up (GSO), or what
 * received them has put them together (GRO). As the kernel counts a socket's drops (sk_drops_add of include/net/sock.h).
 */
static __always_inline u64 packets_between(const unsigned char *head, u32 end)
{
	const struct skb_shared_info *shared = (const void *)(head + end);
	u16 segments = BPF_CORE_READ(shared, gso_segs);

	return segments ?: 1;
}

static __always_inline u64 buffer_packets(const struct sk_buff *skb)
{
	return skb->len <= ONE_PACKET_BYTES ? 1 : packets_between(skb->head, skb->end);
}

/* Whether the process chose the port, rather than the kernel. */
static __always_inline bool has_bound_port(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
}

static __always_inline u32 socket_netns(const struct sock_common *sock)
{
	return sock->skc_net.net->ns.inum;
}

#endif
