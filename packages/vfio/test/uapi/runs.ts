/** How often a property is tried: less often under an emulator, where everything takes ten times as long. */
export const runs = (natively: number): number =>
  process.env.PCI_RECOVERY_EMULATED ? Math.ceil(natively / 10) : natively;
