// What Go's encoding/json makes of the documents that container runtimes decode with it. Reads one question a line, writes
// one answer a line; standard library only. The structs have the fields of image-spec (specs-go/v1), and Docker's additions.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"runtime"
	"strings"
	"unicode/utf8"
)

type question struct {
	Ask      string `json:"ask"`
	Known    string `json:"known,omitempty"`
	Spelling string `json:"spelling,omitempty"`
	Document []byte `json:"document,omitempty"`
}

type answer struct {
	Version string `json:"version,omitempty"`
	Takes   bool   `json:"takes"`
	Folds   []rune `json:"folds,omitempty"`
	Error   string `json:"error,omitempty"`
	Read    any    `json:"read,omitempty"`
}

type platform struct {
	Architecture string   `json:"architecture"`
	OS           string   `json:"os"`
	OSVersion    string   `json:"os.version,omitempty"`
	OSFeatures   []string `json:"os.features,omitempty"`
	Variant      string   `json:"variant,omitempty"`
}

type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Data         []byte            `json:"data,omitempty"`
	Platform     *platform         `json:"platform,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
}

type versioned struct {
	SchemaVersion int `json:"schemaVersion"`
}

type manifest struct {
	versioned
	MediaType    string            `json:"mediaType,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Config       descriptor        `json:"config"`
	Layers       []descriptor      `json:"layers"`
	Subject      *descriptor       `json:"subject,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

type index struct {
	versioned
	MediaType    string            `json:"mediaType,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Manifests    []descriptor      `json:"manifests"`
	Subject      *descriptor       `json:"subject,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

type healthcheck struct {
	Test          []string `json:",omitempty"`
	Interval      int64    `json:",omitempty"`
	Timeout       int64    `json:",omitempty"`
	StartPeriod   int64    `json:",omitempty"`
	StartInterval int64    `json:",omitempty"`
	Retries       int      `json:",omitempty"`
}

type imageConfig struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
	ArgsEscaped  bool                `json:"ArgsEscaped,omitempty"`
	Healthcheck  *healthcheck        `json:",omitempty"`
	OnBuild      []string            `json:",omitempty"`
	Shell        []string            `json:",omitempty"`
}

type history struct {
	CreatedBy  string `json:"created_by,omitempty"`
	Author     string `json:"author,omitempty"`
	Comment    string `json:"comment,omitempty"`
	EmptyLayer bool   `json:"empty_layer,omitempty"`
}

type image struct {
	Author string `json:"author,omitempty"`
	platform
	Config imageConfig `json:"config,omitempty"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []history `json:"history,omitempty"`
}

// takes tells whether the decoder stores the value of a member spelt `spelling` in the field named `known`.
func takes(known, spelling string) (bool, error) {
	field := reflect.StructField{Name: "Field", Type: reflect.TypeFor[int](), Tag: reflect.StructTag(`json:"` + known + `"`)}
	target := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	key, err := json.Marshal(spelling)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal([]byte(`{`+string(key)+`:1}`), target.Interface()); err != nil {
		return false, err
	}
	return target.Elem().Field(0).Int() == 1, nil
}

func reply(q question) answer {
	targets := map[string]func() any{
		"manifest": func() any { return new(manifest) },
		"index":    func() any { return new(index) },
		"config":   func() any { return new(image) },
	}
	switch {
	case q.Ask == "version":
		return answer{Version: runtime.Version()}
	case q.Ask == "spelling":
		taken, err := takes(q.Known, q.Spelling)
		if err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Takes: taken}
	case q.Ask == "runes":
		// Every rune beyond ASCII that equals an ASCII one under simple folding.
		var folds []rune
		for r := rune(utf8.RuneSelf); r <= utf8.MaxRune; r++ {
			for ascii := rune(0); ascii < utf8.RuneSelf; ascii++ {
				if utf8.ValidRune(r) && strings.EqualFold(string(r), string(ascii)) {
					folds = append(folds, r)
					break
				}
			}
		}
		return answer{Folds: folds}
	case targets[q.Ask] != nil:
		target := targets[q.Ask]()
		if err := json.Unmarshal(q.Document, target); err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Read: target}
	}
	return answer{Error: "unknown question " + q.Ask}
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			var q question
			if problem := json.Unmarshal(line, &q); problem != nil {
				panic(problem)
			}
			if problem := encoder.Encode(reply(q)); problem != nil {
				panic(problem)
			}
		}
		if err != nil {
			return
		}
	}
}
