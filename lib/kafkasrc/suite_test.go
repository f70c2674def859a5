package kafkasrc_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"tillflow/lib/kafkatest"
)

// suite is what must hold on every broker: on the embedded one and, with the build tag kafka, on a real one.
var suite = []struct {
	name string
	run  func(t *testing.T, s kafkatest.Site)
}{
	{"sent_messages_come_back_in_order", testOrder},
	{"fetch_stops_where_each_fails", testFetchStops},
	{"fetch_waits_for_a_message", testFetchWaits},
	{"every_fetch_version_is_read", testFetchVersions},
	{"every_compression_and_headers_are_read", testCompression},
	{"aborted_transactions_are_not_read", testAborted},
	{"offset_outside_the_log", testOutsideTheLog},
	{"gaps_that_compaction_leaves", testCompacted},
	{"topic_deleted_and_made_again", testMadeAgain},
	{"partitions_are_added", testAddedPartitions},
	{"batches_shrink_to_what_the_topic_takes", testSmallBatches},
	{"offsets_are_committed_for_lag_tools", testCommits},
	{"nothing_is_stored_twice_over_restarts", testRestarts},
	{"log_that_lost_its_tail_and_damaged_batch", testLostAndDamaged},
}

func TestBroker(t *testing.T) {
	t.Parallel()
	for _, s := range kafkatest.Sites() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			for _, c := range suite {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, s)
				})
			}
		})
	}
}

// topicOf names a topic that no other test uses, on a broker that others do.
func topicOf(t testing.TB) string {
	name := t.Name()
	return fmt.Sprintf("%s-%d", name[strings.LastIndexByte(name, '/')+1:], topics.Add(1))
}

var topics atomic.Int64
