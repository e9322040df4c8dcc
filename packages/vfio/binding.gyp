{
  "variables": { "werror%": "false" },
  "targets": [
    {
      "target_name": "pci_recovery_vfio",
      "sources": [
        "native/arguments.c",
        "native/background.c",
        "native/eventfd.c",
        "native/files.c",
        "native/ioctl.c",
        "native/memory.c",
        "native/messages.c",
        "native/module.c",
        "native/pidfd.c",
        "native/sockets.c",
        "native/watch.c"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-fvisibility=hidden"],
      "ldflags": ["-Wl,-z,relro,-z,now"],
      "conditions": [
        ["OS!='linux'", { "type": "none" }],
        ["werror=='true'", { "cflags": ["-Werror"] }]
      ]
    }
  ]
}
