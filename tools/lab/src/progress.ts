/** Says what is going on, one line at a time; for people, on standard error. */
export type Progress = (line: string) => void;
