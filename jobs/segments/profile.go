package segments

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/kmeans"
	"tillflow/lib/publish"
	"tillflow/lib/rfm"
	"tillflow/sql"
)

var qProfilesForget = sql.Query("segments_profiles_forget")

// profiles say in numbers and words who the customers of each cluster are.
func (j *Job) profiles(g groups, recency []int64, c rfm.Customers) []kmeans.Profile {
	unit := math.Pow10(*j.with.Scale)
	return kmeans.Profiles(g.label, g.k, []kmeans.Feature{
		{
			Values: floats(recency, 1),
			Words:  [5]string{"bought very lately", "bought lately", "bought a while ago", "bought long ago", "bought very long ago"},
			Format: func(v float64) string {
				if v == 0 {
					return "less than a day ago"
				}
				return count(v, "day") + " ago"
			},
		},
		{
			Values: floats(c.Frequency, 1),
			Words:  [5]string{"hardly ever", "seldom", "now and then", "often", "very often"},
			Format: func(v float64) string { return count(v, "purchase") },
		},
		{
			Values: floats(c.Monetary, unit),
			Words:  [5]string{"spent very little", "spent little", "spent a middling sum", "spent much", "spent very much"},
			Format: func(v float64) string { return money(v, *j.with.Scale) },
		},
	})
}

func floats(values []int64, unit float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v) / unit
	}
	return out
}

func count(v float64, of string) string {
	n := thousands(int(v))
	if n != "1" {
		of += "s"
	}
	return n + " " + of
}

// money writes an amount of at least 0 with separators.
func money(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	whole, rest, fraction := strings.Cut(text, ".")
	n, _ := strconv.Atoi(whole) // money is an int64 of minor units
	if fraction {
		return thousands(n) + "." + rest
	}
	return thousands(n)
}

// writeProfiles replaces the profiles of the table's clusters.
func (j *Job) writeProfiles(ctx context.Context, tx pgx.Tx, s scored, id run.ID) error {
	if _, err := tx.Exec(ctx, qProfilesForget, j.with.Into); err != nil {
		return fmt.Errorf("write cluster_profiles: %w", err)
	}
	var customers, spent float64
	for _, p := range s.groups.profiles {
		customers, spent = customers+float64(p.Size), spent+p.Sums[2]
	}
	var rows [][]any
	for i, p := range s.groups.profiles {
		share := p.Sums[2] / spent
		text := fmt.Sprintf("%s (%.0f %%) with %.0f %% of the money: %s", count(float64(p.Size), "customer"), 100*p.Share, 100*share, p.Text)
		cents := int64(math.Round(p.Means[2] * 100))
		rows = append(rows, []any{
			j.with.Into, int32(i), int64(p.Size), p.Share, share, p.Means[0], p.Means[1], publish.Minor(cents, 2), text, string(id), s.asOf,
		})
	}
	columns := []string{
		"table_name", "cluster_id", "customers", "customer_share", "money_share", "recency_days", "frequency", "monetary", "profile", "run_id", "as_of",
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"cluster_profiles"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("write cluster_profiles: %w", err)
	}
	return nil
}
