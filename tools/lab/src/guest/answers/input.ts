import { type TriedAnswer } from '@pci-recovery/vfio/testing';

/** What the program in the guest is started with. */
export interface AnswersInput {
  /** A function alone in its IOMMU group; vfio-pci has it, and nobody has it open. */
  readonly bdf: string;
}

/** What it says of a row. */
export type RowReport =
  | ({ readonly event: 'row' } & TriedAnswer)
  /** The row is not for this machine, or cannot be brought about on it. */
  | { readonly event: 'untried'; readonly id: string; readonly why: string }
  /** Bringing the row's state about failed. */
  | { readonly event: 'broke'; readonly id: string; readonly error: string };
