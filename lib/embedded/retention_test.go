//go:build unix

package embedded

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The disk does not fill up, and events of a month ago stay as long as there is room: only size counts, not age.
func TestKafkaDropsOldSegmentsBySizeAndNotByAge(t *testing.T) {
	t.Parallel()
	const keep, segment = 1 << 20, 128 << 10
	state := t.TempDir()
	k, err := StartKafka(t.Context(), KafkaConfig{State: state, Partitions: 1, keepBytes: keep, segmentBytes: segment})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	c, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...), kgo.AllowAutoTopicCreation(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	produce := func(kilobytes int) {
		value := bytes.Repeat([]byte("x"), 16<<10)
		for range kilobytes / 16 {
			r := &kgo.Record{Topic: "old", Value: value, Timestamp: time.Now().AddDate(0, -1, 0)}
			if err := c.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	produce(512)
	k.cluster.ApplyRetention()
	if start := k.cluster.PartitionInfo("old", 0).LogStartOffset; start != 0 {
		t.Errorf("half full, and the log starts at %d", start)
	}
	produce(4096)
	k.cluster.ApplyRetention()
	info := k.cluster.PartitionInfo("old", 0)
	if kept := (info.HighWatermark - info.LogStartOffset) * 16 << 10; kept > keep || kept < keep/2 {
		t.Errorf("%d bytes are kept, want about %d", kept, keep)
	}
	if used := size(t, filepath.Join(state, "kafka")); used > keep+3*segment {
		t.Errorf("%d bytes on disk, want about %d", used, keep)
	}
}

func size(t *testing.T, dir string) int64 {
	t.Helper()
	var sum int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
