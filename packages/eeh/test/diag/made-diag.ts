import fc from 'fast-check';
import { layoutOf, type PhbDiagData, type PhbModel } from '../../src/diag/index.js';

export const MODELS: readonly PhbModel[] = ['p7ioc', 'phb3', 'phb4'];

/** Data of `model` in which all is zero but what is given. */
export const madeData = (
  model: PhbModel,
  registers: Record<string, bigint> = {},
  pest: PhbDiagData['pest'] = [],
): PhbDiagData => ({
  model,
  version: 1,
  length: layoutOf(model).length,
  registers,
  pest,
  trailing: new Uint8Array(0),
});

/** Any blob whose header says version 1 and `model`. */
export const anyBlob = (model: PhbModel): fc.Arbitrary<Uint8Array> => {
  const { length, ioType } = layoutOf(model);
  const body = fc.uint8Array({ minLength: length, maxLength: length + 64, size: 'max' });
  return fc.tuple(body, fc.nat(0xffff), fc.boolean()).map(([bytes, len, sparse]) => {
    // Most PEs of a real table are zero.
    if (sparse) bytes.fill(0, 400, length - 80);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(0, 1);
    view.setUint32(4, ioType);
    view.setUint32(8, len);
    return bytes;
  });
};
