package spec

import (
	"maps"
	"slices"

	"tillflow/lib/strictyaml"
)

// pools checks the named pools.
func (r *reader) pools() {
	for name, size := range r.Pools {
		if text, _ := r.root.Get("pools", name).Scalar(); size < 0 || size == 0 && text == "0" { // what is no number is reported
			r.at("it is the number of places", []string{"pools", name}, "pool %q has size %d; it must be 1 or more", name, size)
		}
	}
}

// pool checks what a job, or a default for jobs, takes from a pool.
func (r *reader) pool(pool string, cost int, path []string) {
	size, ok := r.Pools[pool]
	switch {
	case cost < 0:
		r.at("", below(path, "cost"), "cost must be 1 or more")
	case pool == "":
	case !ok && len(r.Pools) == 0:
		r.at("declare it: pools: { "+pool+": 2 }", below(path, "pool"), "there is no pool %q", pool)
	case !ok:
		r.at(strictyaml.SuggestOrList(pool, slices.Sorted(maps.Keys(r.Pools))), below(path, "pool"), "there is no pool %q", pool)
	case cost > size && size > 0:
		r.at("it could never run", below(path, "cost"), "cost %d is more than the %d places of pool %q", cost, size, pool)
	}
}
