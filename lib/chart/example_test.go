package chart_test

import (
	"errors"
	"fmt"
	"strings"

	"tillflow/lib/chart"
)

func Example() {
	s := chart.Spec{
		Kind: chart.Bars, ID: "stores", Title: "Revenue by store", Width: 580,
		Labels: []string{"Riyadh", "Jeddah"}, Notes: []string{"Central", "Western"}, ColorBy: []int{0, 1},
		Series:  []chart.Series{{Name: "Revenue", Values: []float64{4_379_381, 3_109_492}}},
		FormatY: func(v float64) string { return "SAR " + chart.Grouped(v) },
	}
	wide, err := chart.SVG(s)
	if errors.Is(err, chart.ErrEmpty) {
		fmt.Println("No sales yet.")
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Width = 360 // the variant for phones; a media query shows one of the two
	narrow, err := chart.SVG(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Count(wide, `class="f0 bar"`), strings.Contains(narrow, `viewBox="0 0 360 240"`))
	fmt.Println(chart.Summary(s))
	for _, e := range chart.Legend(s) {
		fmt.Println(e.Class, e.Name)
	}
	// Output:
	// 1 true
	// Revenue by store: Riyadh is highest with SAR 4,379,381, Jeddah lowest with SAR 3,109,492, of 2.
	// f0 Central
	// f1 Western
}
