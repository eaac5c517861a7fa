package org.apache.beam.sdk.util.construction;

import java.util.Map;
import java.util.Objects;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.IterableCoder;
import org.apache.beam.sdk.transforms.ViewFn;
import org.apache.beam.sdk.transforms.windowing.WindowMappingFn;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.PValue;
import org.apache.beam.sdk.values.PValueBase;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.WindowedValue;
import org.apache.beam.sdk.values.WindowedValues.WindowedValueCoder;
import org.apache.beam.sdk.values.WindowingStrategy;

/**
 * Replaces Beam's class of this name, by preceding it on the class path. Beam's coder is wrong for side inputs of a
 * streaming job on Flink: the runner stores plain elements in its state, but encodes them as windowed iterables when
 * it writes a checkpoint, so every checkpoint fails with "[B cannot be cast to WindowedValue" (Beam 2.70). This class
 * uses the coder of the elements.
 */
@SuppressWarnings("deprecation")
public class RunnerPCollectionView<T> extends PValueBase implements PCollectionView<T> {
  private final TupleTag<Iterable<WindowedValue<?>>> tag;
  private final ViewFn<Iterable<WindowedValue<?>>, T> viewFn;
  private final WindowMappingFn<?> windowMappingFn;
  private final WindowingStrategy<?, ?> windowingStrategy;
  private final Coder<?> coder;
  private final transient PCollection<?> pCollection;

  public RunnerPCollectionView(
      PCollection<?> pCollection,
      TupleTag<Iterable<WindowedValue<?>>> tag,
      ViewFn<Iterable<WindowedValue<?>>, T> viewFn,
      WindowMappingFn<?> windowMappingFn,
      WindowingStrategy<?, ?> windowingStrategy,
      Coder<?> coder) {
    this.pCollection = pCollection;
    this.tag = tag;
    this.viewFn = viewFn;
    this.windowMappingFn = windowMappingFn;
    this.windowingStrategy = windowingStrategy;
    this.coder = ofElements(coder);
  }

  private static Coder<?> ofElements(Coder<?> coder) {
    if (coder instanceof WindowedValueCoder) {
      Coder<?> values = ((WindowedValueCoder<?>) coder).getValueCoder();
      if (values instanceof IterableCoder) {
        return ((IterableCoder<?>) values).getElemCoder();
      }
    }
    return coder;
  }

  @Override
  public PCollection<?> getPCollection() {
    return pCollection;
  }

  @Override
  public TupleTag<Iterable<WindowedValue<?>>> getTagInternal() {
    return tag;
  }

  @Override
  public ViewFn<Iterable<WindowedValue<?>>, T> getViewFn() {
    return viewFn;
  }

  @Override
  public WindowMappingFn<?> getWindowMappingFn() {
    return windowMappingFn;
  }

  @Override
  public WindowingStrategy<?, ?> getWindowingStrategyInternal() {
    return windowingStrategy;
  }

  @Override
  public Coder<?> getCoderInternal() {
    return coder;
  }

  @Override
  public Map<TupleTag<?>, PValue> expand() {
    throw new UnsupportedOperationException("a runner's view cannot be expanded");
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PCollectionView && tag.equals(((PCollectionView<?>) other).getTagInternal());
  }

  @Override
  public int hashCode() {
    return Objects.hash(tag);
  }
}
