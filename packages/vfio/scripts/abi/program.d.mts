/** The 64-bit value that stands in the field with this number in golden bytes, cut to the field's size. */
export declare function patternOf(index: number): bigint;
