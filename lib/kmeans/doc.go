// Package kmeans groups points by Lloyd's algorithm from greedy k-means++ starts.
//
// It takes the steps scikit-learn takes: from given centers it does the same number of iterations and ends at the same
// inertia, and its stop rules, its scaled tolerance and its care for empty clusters are the same. One thing it adds:
// every sum of floats is made over fixed chunks of points and the chunks are added in order, so one seed gives the same
// bits on any number of workers, which scikit-learn's threads do not.
//
// Values in, values out. Cluster numbers carry no meaning until the caller gives them one with [Model.Renumber].
//
// Papers: Lloyd, "Least squares quantization in PCM", 1982; Arthur and Vassilvitskii, "k-means++: the advantages of
// careful seeding", SODA 2007 (its greedy variant, several candidates a center, section 7).
package kmeans
