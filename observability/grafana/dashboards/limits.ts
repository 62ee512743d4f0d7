// Yellow and red where the alerts have their warning and critical thresholds.

/** Delay of the event loop, in seconds. */
export const DELAY_LIMITS = [0.05, 0.2] as const;
/** Active tasks of a pool by its capacity. */
export const SATURATION_LIMITS = [0.8, 0.95] as const;
/** What full collections leave of a heap. */
export const HEAP_LIMITS = [0.8, 0.9] as const;
/** Share of the time that collections may take; it has a warning only. */
export const GC_LIMIT = 0.1;
/** Burn rate of the stall budget: spent in 5 days or in 2 of the 30 for which it should last. */
export const BURN_LIMITS = [6, 14.4] as const;
/** Share of wall time that a loop may be stalled. */
export const STALL_BUDGET = 0.001;
