/**
 * Who runs the tests by hand sees each failure. The gate tries a failed one once more, and says so: a fault
 * fails twice, the mood of a machine does not.
 */
export const RETRY: number = process.env.CI ? 1 : 0;
