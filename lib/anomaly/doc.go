// Package anomaly finds spikes and drops in sales counted per window (a minute, as a rule) and product.
//
// A plain z-score over a rolling mean is the worst of the usual rules on such data: money per minute is skewed, days
// have a shape, and most minutes of most products are nearly empty. Method robust_sqrt does four things about it.
//
//  1. Baseline. A window is expected to sell the middle of what up to seven days did around the same time of day, and that
//     times how the last hour went against it. On the first day there is only what the last hour did, and for two more
//     days that counts beside the others.
//  2. One window: the square root of revenue, which evens the spread, against median and MAD of the previous windows.
//     Only where most windows have sales.
//  3. Several windows: order counts over 1 to 60 windows against the expected number, by the tail of the Poisson
//     distribution. It sees a drop where single windows are too sparse to show one, and it alone works at night.
//  4. Size. A spike is at least twice what was expected, a drop at most half, by every baseline there is; on the first day,
//     three times and a third. What is merely significant (a busier Friday, a sale that starts earlier) is not an alarm.
//
// Flagged windows that touch become one event, whose ends are moved to where the deviation is strongest. They enter later
// baselines clipped, so that an outage does not drag the baseline down and yet a change that lasts becomes the new normal.
// Everything looks back only, so a new window changes no event before it; events that are still going on grow.
//
// Values in, values out: a series is numbers per window, filled with zeros where nothing was sold.
package anomaly
