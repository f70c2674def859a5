package spec

import (
	"fmt"
	"net/url"
)

// Notify says who is told of what. Either or both of Webhook and Command are used, once for each incident.
type Notify struct {
	On      []string `yaml:"on" check:"required,oneof=failed|recovered|stalled|slow|silent" doc:"what to tell of: failed, recovered, stalled (streams), slow (longer than slow_after), silent (a gate that did not open within opens_within)"`
	Webhook string   `yaml:"webhook" doc:"an http:// or https:// address that gets a POST with a JSON body"`
	Command []string `yaml:"command" doc:"a program and its arguments, which gets the same JSON on its standard input"`
	Jobs    string   `yaml:"jobs" doc:"a selector of the jobs it is about; all by default"`
}

func (r *reader) notify() {
	for i, n := range r.Notify {
		path := []string{"notify", fmt.Sprint(i)}
		if n.Webhook == "" && len(n.Command) == 0 {
			r.at("", path, "nobody is told: write webhook or command")
		}
		if n.Webhook != "" {
			if u, err := url.Parse(n.Webhook); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				r.at("it begins with https:// or http://", below(path, "webhook"), "webhook is not a web address")
			}
		}
		if len(n.Command) > 0 && n.Command[0] == "" {
			r.at("", below(path, "command"), "command begins with an empty program name")
		}
	}
}
