// Package anomaly finds spikes and drops in sales counted per window (a minute, as a rule) and product.
//
// A plain z-score over a rolling mean is the worst of the usual rules on such data: money per minute is skewed, days
// have a shape, and most minutes of most products are nearly empty. Method robust_sqrt does four things about it.
//
//  1. Baseline. A window is expected to sell the middle of what up to seven days did around the same time of day, and that
//     times how the last hour went against it. On the first day there is only what the last hour did, and for two more
//     days that counts beside the others.
//  2. One window: the square root of revenue, which evens the spread, against median and MAD of the 60 previous windows.
//     Only where most windows have sales.
//  3. Several windows: order counts over 1 to 60 windows against the expected number, by the tail of the Poisson
//     distribution, below one in ten million. It sees a drop where single windows are too sparse to show one, and it
//     alone works at night.
//  4. Size. A spike is at least twice what was expected, a drop at most half, by every baseline there is; on the first day,
//     three times and a third. What is merely significant (a busier Friday, a sale that starts earlier) is not an alarm.
//
// Flagged windows that touch become one event, whose ends are moved to where the deviation is strongest. They enter later
// baselines clipped (roots of revenue at 3 scales), so that an outage does not drag the baseline down and yet a change
// that lasts becomes the new normal. Everything looks back only, and not further than [Options.History], so a new window
// changes no event before it and events that are still going on grow.
//
// Where too little sells for a lack of sales to mean anything, [Summary.State] says so, and no drop is reported.
//
// # What it finds
//
// A simulated fortnight (daily season, amounts that vary as much as their mean, troubles of one minute and of ten), false
// alarms a series and day, and the share of the troubles that was found:
//
//	orders a minute   rule                        false alarms   x3     x6     zero   x0.3
//	300               this package                0.00           1      1      1      1
//	                  rolling mean, 3 deviations  9.2            1      1      1      1
//	30                this package                0.00           1      1      1      1
//	                  rolling mean, 3 deviations  7.8            1      1      .73    .09
//	3                 this package                0.00           .06    .73    .61    0
//	                  rolling mean, 3 deviations  23             .42    .94    0      0
//
// TestFalseAlarmsAndRecall makes this table and holds its bounds; TestSimulatedShop is a harder one, with opening hours,
// weekends and rates that jump at the full hour.
//
// # Shapes, units, odd input
//
// Values in, values out: a [Series] is integers per window, revenue in minor units and orders in numbers, zero where nothing
// was sold; [Fill] makes one from rows in any order and says what is wrong with them. Integers have no NaN and no infinity.
// Negative revenue counts as nothing sold, so does a series without any; fewer than 31 windows give no event; a series
// that ends is a drop until the shape of its days is forgotten, and then [Silent].
//
// Sources: Freeman and Tukey, "Transformations related to the angular and the square root", Annals of Mathematical
// Statistics 21(4), 1950 (why roots); Rousseeuw and Croux, "Alternatives to the median absolute deviation", JASA 88(424),
// 1993 (the MAD and its factor 1.4826); Daniels 1987 (the tail, see there).
package anomaly
