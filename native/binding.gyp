{
  "targets": [
    {
      "target_name": "rollcall_udp",
      "sources": ["udp_batch.c"],
      "cflags": ["-std=c11", "-O2", "-Wall", "-Wextra"]
    }
  ]
}
