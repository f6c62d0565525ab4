// Reads questions, a JSON object a line: kind, patterns, path. Answers true or false.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	ignore "github.com/sabhiram/go-gitignore"
)

type question struct {
	Kind     string
	Patterns []string
	Path     string
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	for in.Scan() {
		var asked question
		json.Unmarshal(in.Bytes(), &asked)
		if asked.Kind == "pack" {
			fmt.Println(ignore.CompileIgnoreLines(asked.Patterns...).MatchesPath(asked.Path))
			continue
		}
		lines, err := ignorefile.ReadAll(strings.NewReader(strings.Join(asked.Patterns, "\n")))
		if err != nil {
			fmt.Println("null")
			continue
		}
		matched, err := patternmatcher.MatchesOrParentMatches(asked.Path, lines)
		if err != nil {
			fmt.Println("null")
			continue
		}
		fmt.Println(matched)
	}
}
