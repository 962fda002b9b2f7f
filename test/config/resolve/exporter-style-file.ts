import { layout, map, u32, u64, variable } from './types.ts';

/** An object, and a file for it that has something of all that ebpf_exporter's files have. */
export const exporterStyleObject = layout({
  maps: [
    map('calls', 'hash', u32, u64),
    map('sizes', 'hash', u64, u64),
    map('ids', 'hash', u64, u64),
    map('records', 'perf_event_array', u32, u32),
  ],
  variables: [variable('kaddr_vfs_read', '.rodata', u64)],
});

export const exporterStyleFile = `kaddrs:
  - vfs_read
cgroup_id_map:
  name: ids
  type: hash
  regexps:
    - ^/sys
metrics:
  counters:
    - name: calls
      help: Calls
      labels:
        - name: number
          size: 4
          padding: 0
          decoders:
            - name: uint
            - name: static_map
              allow_unknown: true
              static_map:
                1: one
                0x10: two
    - name: records
      help: Records
      perf_event_array: true
      flush_interval: 10s
      labels:
        - name: text
          size: 4
          decoders:
            - name: string
            - name: regexp
              regexps:
                - ^(a).*$
  histograms:
    - name: sizes
      help: Sizes
      bucket_type: fixed
      bucket_min: 0
      bucket_max: 3
      bucket_multiplier: 0.001
      bucket_keys:
        - 1
        - 2
      labels:
        - name: bucket
          size: 8
          decoders:
            - name: uint
`;
