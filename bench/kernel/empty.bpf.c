// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A program that does nothing on each hook of the shipped ones: what any program there costs at least. */
#include "kernel.bpf.h"

#define EMPTY(name) EMPTY_ON(name, name)
/* Of a shipped program that hasn't its hook's name. */
#define EMPTY_ON(hook, name)       \
	SEC("tp_btf/" #hook)       \
	int name(void *ctx)        \
	{                          \
		return 0;          \
	}

EMPTY(block_rq_issue)
EMPTY(block_rq_complete)
EMPTY(sched_switch)
EMPTY(sched_wakeup)
EMPTY(sched_wakeup_new)
EMPTY(sched_migrate_task)
EMPTY_ON(softirq_raise, softirq_raise_unseen)
EMPTY(softirq_entry)
EMPTY(softirq_exit)
EMPTY(irq_handler_entry)
EMPTY(irq_handler_exit)
EMPTY(timer_start)
EMPTY(workqueue_queue_work)
EMPTY(workqueue_execute_start)
EMPTY(workqueue_execute_end)
EMPTY(mm_filemap_add_to_page_cache)
EMPTY(mm_filemap_get_pages)
EMPTY(writeback_dirty_folio)
EMPTY(ext4_sync_file_enter)
EMPTY(ext4_sync_file_exit)
EMPTY(tlb_flush)
EMPTY(page_fault_user)
EMPTY(page_fault_kernel)
EMPTY(contention_begin)
EMPTY(contention_end)
EMPTY(mm_compaction_begin)
EMPTY(mm_compaction_end)
EMPTY(inet_sock_set_state)
EMPTY(tcp_destroy_sock)
EMPTY(tcp_send_reset)
EMPTY(tcp_receive_reset)
EMPTY(udp_fail_queue_rcv_skb)
EMPTY(kfree_skb)
EMPTY(tcp_retransmit_skb)
EMPTY(tcp_retransmit_synack)
EMPTY(sched_process_exec)
EMPTY(sched_process_fork)
EMPTY(sched_process_exit)
EMPTY(sys_exit)

SEC("iter/tcp")
int dump_listeners(void *ctx)
{
	return 0;
}

/* XDP_PASS */
SEC("xdp")
int count_received(void *ctx)
{
	return 2;
}

SEC("perf_event/type=1,config=0,frequency=99")
int sample_runqueue(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
