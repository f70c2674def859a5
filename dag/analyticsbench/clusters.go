package analyticsbench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"tillflow/lib/kmeans"
)

// shopPoints are customers as a segmentation sees them: recency, frequency and money, log(1+x), standardised.
func shopPoints(n int) kmeans.Points {
	rng := rand.New(rand.NewPCG(seed, 2))
	recency, frequency, monetary := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		eager := math.Exp(rng.NormFloat64()) // how much of a customer somebody is
		frequency[i] = 1 + math.Floor(rng.ExpFloat64()*eager*2)
		recency[i] = math.Floor(math.Min(rng.ExpFloat64()*200/(1+eager), period))
		monetary[i] = frequency[i] * math.Exp(3.5+0.8*rng.NormFloat64())
	}
	for _, column := range [][]float64{recency, frequency, monetary} {
		kmeans.Log1p(column)
		kmeans.Standardize(column)
	}
	return kmeans.FromColumns(recency, frequency, monetary)
}

// kmeans fits once with restarts, and for each k of a sweep.
func (b *bench) kmeans(ctx context.Context) error {
	n := b.of(1_000_000, 2000)
	x := shopPoints(n)
	if err := b.write(map[string]any{"points.f64": x.X}); err != nil {
		return err
	}
	var model *kmeans.Model
	err := b.measure(ctx, measure{
		name: "kmeans, " + count(n) + " x 3, k=7, 10 starts", task: "kmeans", args: []string{"7", "10"}, noted: Peer{Name: "scikit-learn", Ms: 14_700},
		run: func() (err error) {
			model, err = kmeans.Fit(x, kmeans.Defaults(7))
			return err
		},
		check: func() float64 { return model.Inertia },
		tell:  func() string { return fmt.Sprintf("inertia %.3f", model.Inertia) },
		agree: func(ours, theirs float64) bool { return ours <= theirs*1.0005 }, // starts are free, so only worse is wrong
	})
	if err != nil {
		return err
	}
	sweeps := []int{10, 2}
	if b.Small {
		sweeps = sweeps[1:]
	}
	for _, starts := range sweeps {
		if err := b.sweep(ctx, x, starts); err != nil {
			return err
		}
	}
	return nil
}

// sample is how many points the silhouette of each k is made of.
const sample = 10_000

// sweep fits k = 2 to 10, with the elbow and the silhouettes. The tree over the points is made once.
func (b *bench) sweep(ctx context.Context, x kmeans.Points, starts int) error {
	var sweep *kmeans.Sweep
	sum := func() (sum float64) {
		for _, t := range sweep.Trials {
			sum += t.Inertia
		}
		return sum
	}
	return b.measure(ctx, measure{
		name: fmt.Sprintf("kmeans, %s x 3, sweep k=2..10, %d starts", count(x.Len()), starts), few: true,
		run: func() error {
			set, err := kmeans.Prepare(x, 0)
			if err != nil {
				return err
			}
			o := kmeans.Defaults(0)
			o.Starts = starts
			sweep, err = set.Sweep(2, 10, min(sample, x.Len()/2), o)
			return err
		},
		check: sum,
		tell:  func() string { return fmt.Sprintf("inertias add up to %.3f, elbow at %d", sum(), sweep.Elbow) },
	})
}
