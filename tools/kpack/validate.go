package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pivotal/kpack/pkg/apis/build/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"knative.dev/pkg/apis"
	strict "sigs.k8s.io/yaml"
)

type resource interface {
	apis.Defaultable
	apis.Validatable
}

type kind struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
}

func empty(group schema.GroupVersionKind) any {
	if group.GroupVersion() == v1alpha2.SchemeGroupVersion {
		switch group.Kind {
		case "ClusterLifecycle":
			return &v1alpha2.ClusterLifecycle{}
		case "ClusterStore":
			return &v1alpha2.ClusterStore{}
		case "ClusterStack":
			return &v1alpha2.ClusterStack{}
		case "ClusterBuilder":
			return &v1alpha2.ClusterBuilder{}
		case "ClusterBuildpack":
			return &v1alpha2.ClusterBuildpack{}
		case "Builder":
			return &v1alpha2.Builder{}
		case "Image":
			return &v1alpha2.Image{}
		}
	}
	if group.Group == "" && group.Version == "v1" {
		switch group.Kind {
		case "Secret":
			return &corev1.Secret{}
		case "ServiceAccount":
			return &corev1.ServiceAccount{}
		}
	}
	return nil
}

func judge(ctx context.Context, text []byte) (string, error) {
	var told kind
	if err := strict.Unmarshal(text, &told); err != nil {
		return "?", err
	}
	name := told.Kind + "/" + told.Metadata.Name
	object := empty(schema.FromAPIVersionAndKind(told.APIVersion, told.Kind))
	if object == nil {
		return name, fmt.Errorf("nothing here knows %s %s", told.APIVersion, told.Kind)
	}
	if err := strict.UnmarshalStrict(text, object); err != nil {
		return name, err
	}
	if own, ok := object.(resource); ok {
		own.SetDefaults(ctx)
		// A nil *FieldError in an error is not nil.
		if fault := own.Validate(ctx); fault != nil {
			return name, fault
		}
	}
	return name, nil
}

// validate judges the resources in some files as kpack's admission webhook does.
//
// Each YAML document is decoded into kpack's own type; a Secret or a ServiceAccount is decoded
// strictly into Kubernetes' own. What is wrong is printed, a line each.
func validate(files []string) error {
	// As in a cluster that has a storage class for caches.
	ctx := context.WithValue(apis.WithinCreate(context.Background()), v1alpha2.HasDefaultStorageClass, true)
	failed := false
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			var content any
			if strict.Unmarshal(document, &content) == nil && content == nil {
				continue // comments only
			}
			name, fault := judge(ctx, document)
			if fault != nil {
				failed = true
				fmt.Printf("%s: %s: %v\n", path, name, fault)
				continue
			}
			fmt.Printf("%s: %s: ok\n", path, name)
		}
	}
	if failed {
		return errors.New("kpack would refuse them")
	}
	return nil
}
