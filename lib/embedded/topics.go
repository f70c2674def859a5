package embedded

import (
	"errors"
	"regexp"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicName is what Kafka accepts as one.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// createTopics makes the broker create a topic at its first use, as real ones do by default.
//
// kfake can do that by itself, but then writes the list of topics to disk at a clean stop only: after a kill -9 the
// topic would be gone with every message it had acknowledged. Its CreateTopic writes the list at once. So each metadata
// request, the one request that asks for a creation, is looked at before the broker answers it.
//
// A control function keeps the last request of each connection it has ever seen, so it is replaced after every use.
func (k *Kafka) createTopics() {
	k.cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.cluster.DropControl()
		k.createTopics()
		if req, ok := r.(*kmsg.MetadataRequest); ok && req.AllowAutoTopicCreation {
			for _, t := range req.Topics {
				if t.Topic != nil && topicName.MatchString(*t.Topic) {
					k.createTopic(*t.Topic)
				}
			}
		}
		return nil, nil, false // and the broker answers
	})
}

func (k *Kafka) createTopic(name string) {
	err := k.cluster.CreateTopic(name, -1, nil)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		brokerLog{k.log}.Logf(kfake.LogLevelWarn, "create topic %s: %v", name, err)
	}
}
