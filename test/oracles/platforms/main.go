// Which of the platforms that an index lists containerd gives to a machine: the comparer `Only` of containerd/platforms, by
// which its images.Manifest filters and sorts. Reads one question a line, writes one answer a line.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/containerd/platforms"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
)

type question struct {
	Wanted  specs.Platform   `json:"wanted"`
	Offered []specs.Platform `json:"offered"`
}

// best has the places of the offers that match and that no other one comes before.
func best(q question) []int {
	matcher := platforms.Only(q.Wanted)
	found := []int{}
	for at, offer := range q.Offered {
		if !matcher.Match(offer) {
			continue
		}
		isFirst := true
		for _, other := range q.Offered {
			if matcher.Match(other) && matcher.Less(other, offer) {
				isFirst = false
			}
		}
		if isFirst {
			found = append(found, at)
		}
	}
	return found
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		if err := encoder.Encode(map[string][]int{"best": best(q)}); err != nil {
			panic(err)
		}
	}
}
