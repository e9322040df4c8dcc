// Runs where installing could neither load a prebuilt addon nor compile one: that is no reason not to install the rest.
console.error(
  '@pci-recovery/vfio: the native addon is NOT BUILT. Everything that opens devices will say ERR_PCI_NATIVE_UNAVAILABLE.\n' +
    'Install a C compiler, make, python3 and the headers of node, then run: npm rebuild @pci-recovery/vfio',
);
