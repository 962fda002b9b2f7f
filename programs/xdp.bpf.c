// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A CPU receives one frame at a time. */
#define ADDS_UNINTERRUPTED

#include "cache.bpf.h"
#include "kernel.bpf.h"
#include <bpf/bpf_endian.h>

#define MAX_KINDS 1024
/* Behind the protocols of IP: what isn't IP has none. */
#define NO_TRANSPORT 256
/* Headers before the one that tells: tags of VLANs, and extensions of IPv6. */
#define MAX_TAGS 2
#define MAX_EXTENSIONS 6

/* include/uapi/linux/bpf.h */
#define XDP_PASS 2

struct xdp_md {
	u32 data;
	u32 data_end;
	u32 data_meta;
	u32 ingress_ifindex;
};

/* include/uapi/linux/if_ether.h */
enum { ETH_P_IP = 0x0800, ETH_P_ARP = 0x0806, ETH_P_8021Q = 0x8100, ETH_P_IPV6 = 0x86dd, ETH_P_MPLS_UC = 0x8847,
       ETH_P_8021AD = 0x88a8, ETH_P_LLDP = 0x88cc };

/* include/uapi/linux/in6.h */
enum { NEXTHDR_HOP = 0, NEXTHDR_ROUTING = 43, NEXTHDR_FRAGMENT = 44, NEXTHDR_DEST = 60 };

struct ethernet {
	u8 addresses[12];
	__be16 type;
} __attribute__((packed));

struct tag {
	u16 control;
	__be16 type;
};

struct ipv4 {
	u8 others[9];
	u8 protocol;
	u8 rest[10];
};

struct ipv6 {
	u8 others[6];
	u8 next;
	u8 rest[33];
};

struct extension {
	u8 next;
	/* In units of 8 bytes, without the first. */
	u8 length;
	u8 rest[6];
};

struct kind {
	u32 interface;
	/* An Ethernet type; 0 is any other. */
	u16 type;
	u16 transport;
};

struct received {
	u64 packets;
	u64 bytes;
};

CACHED_MAP(xdp_received, struct kind, struct received, MAX_KINDS);

/* The protocol behind IPv6's extensions; what doesn't end is the last one. */
static __always_inline u8 protocol_behind(u8 next, const void *at, const void *end)
{
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		const struct extension *extension = at;

		if (next != NEXTHDR_HOP && next != NEXTHDR_ROUTING && next != NEXTHDR_FRAGMENT && next != NEXTHDR_DEST)
			break;
		if ((const void *)(extension + 1) > end)
			break;
		at += next == NEXTHDR_FRAGMENT ? 8 : (extension->length + 1) * 8;
		next = extension->next;
	}
	return next;
}

static __always_inline void classify(struct kind *kind, const void *at, const void *end)
{
	const struct ethernet *ethernet = at;
	u16 type;

	if ((const void *)(ethernet + 1) > end)
		return;
	type = bpf_ntohs(ethernet->type);
	at = ethernet + 1;
	for (int i = 0; i < MAX_TAGS; i++) {
		const struct tag *tag = at;

		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
		if ((const void *)(tag + 1) > end)
			return;
		type = bpf_ntohs(tag->type);
		at = tag + 1;
	}
	switch (type) {
	case ETH_P_IP: {
		const struct ipv4 *ip = at;

		if ((const void *)(ip + 1) > end)
			return;
		kind->transport = ip->protocol;
		break;
	}
	case ETH_P_IPV6: {
		const struct ipv6 *ip = at;

		if ((const void *)(ip + 1) > end)
			return;
		kind->transport = protocol_behind(ip->next, ip + 1, end);
		break;
	}
	case ETH_P_ARP:
	case ETH_P_MPLS_UC:
	case ETH_P_LLDP:
		break;
	default:
		return;
	}
	kind->type = type;
}

SEC("xdp")
int count_received(struct xdp_md *packet)
{
	const void *data = (const void *)(long)packet->data, *end = (const void *)(long)packet->data_end;
	struct kind kind = { .interface = packet->ingress_ifindex, .transport = NO_TRANSPORT };
	struct received *received;

	classify(&kind, data, end);
	received = xdp_received_at(cache_place(kind.interface, kind.type << 16 | kind.transport), kind);
	if (received) {
		add_to(&received->packets, 1);
		add_to(&received->bytes, end - data);
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
