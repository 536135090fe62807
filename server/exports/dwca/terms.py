"""The terms of Darwin Core, Dublin Core and OBIS's measurements that an archive may use, and must.

Names are those of the standard (https://dwc.tdwg.org/list/, 2023-09-18), of its text guide, and of
the extension "Extended Measurement Or Facts" (http://rs.gbif.org/extension/obis/). What is required
is what GBIF needs of sampling events and OBIS of records (https://manual.obis.org/checklist.html).

Example:
    >>> uri("eventDate"), "measurementTypeID" in names(EMOF)
    ('http://rs.tdwg.org/dwc/terms/eventDate', True)
"""

DWC = "http://rs.tdwg.org/dwc/terms/"
DCTERMS = "http://purl.org/dc/terms/"
OBIS = "http://rs.iobis.org/obis/terms/"
TEXT = "http://rs.tdwg.org/dwc/text/"
EVENT, OCCURRENCE = f"{DWC}Event", f"{DWC}Occurrence"
EMOF = f"{OBIS}ExtendedMeasurementOrFact"


def _set(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


_DUBLIN = _set(
    "type modified language license rightsHolder accessRights bibliographicCitation references"
)
_OBIS = _set("measurementTypeID measurementValueID measurementUnitID")
_RECORD = (
    "institutionID collectionID datasetID institutionCode collectionCode datasetName "
    "ownerInstitutionCode basisOfRecord informationWithheld dataGeneralizations dynamicProperties"
)
_EVENT = (
    "eventID parentEventID eventType fieldNumber eventDate eventTime startDayOfYear endDayOfYear "
    "year month day verbatimEventDate habitat samplingProtocol sampleSizeValue sampleSizeUnit "
    "samplingEffort fieldNotes eventRemarks"
)
_LOCATION = (
    "locationID higherGeographyID higherGeography continent waterBody islandGroup island country "
    "countryCode stateProvince county municipality locality verbatimLocality "
    "minimumElevationInMeters maximumElevationInMeters verbatimElevation verticalDatum "
    "minimumDepthInMeters maximumDepthInMeters verbatimDepth minimumDistanceAboveSurfaceInMeters "
    "maximumDistanceAboveSurfaceInMeters locationAccordingTo locationRemarks decimalLatitude "
    "decimalLongitude geodeticDatum coordinateUncertaintyInMeters coordinatePrecision "
    "pointRadiusSpatialFit verbatimCoordinates verbatimLatitude verbatimLongitude "
    "verbatimCoordinateSystem verbatimSRS footprintWKT footprintSRS footprintSpatialFit "
    "georeferencedBy georeferencedDate georeferenceProtocol georeferenceSources georeferenceRemarks"
)
_OCCURRENCE = (
    "occurrenceID catalogNumber recordNumber recordedBy recordedByID individualCount "
    "organismQuantity organismQuantityType sex lifeStage reproductiveCondition caste behavior "
    "vitality establishmentMeans degreeOfEstablishment pathway georeferenceVerificationStatus "
    "occurrenceStatus associatedMedia associatedOccurrences associatedReferences associatedTaxa "
    "otherCatalogNumbers occurrenceRemarks preparations disposition associatedSequences organismID "
    "organismName organismScope associatedOrganisms previousIdentifications organismRemarks "
    "materialEntityID materialEntityRemarks verbatimLabel materialSampleID"
)
_IDENTIFICATION = (
    "identificationID verbatimIdentification identificationQualifier typeStatus identifiedBy "
    "identifiedByID dateIdentified identificationReferences identificationVerificationStatus "
    "identificationRemarks"
)
_TAXON = (
    "taxonID scientificNameID acceptedNameUsageID parentNameUsageID originalNameUsageID "
    "nameAccordingToID namePublishedInID taxonConceptID scientificName acceptedNameUsage "
    "parentNameUsage originalNameUsage nameAccordingTo namePublishedIn namePublishedInYear "
    "higherClassification kingdom phylum class order superfamily family subfamily tribe subtribe "
    "genus genericName subgenus infragenericEpithet specificEpithet infraspecificEpithet "
    "cultivarEpithet taxonRank verbatimTaxonRank scientificNameAuthorship vernacularName "
    "nomenclaturalCode taxonomicStatus nomenclaturalStatus taxonRemarks"
)
_MEASUREMENT = (
    "measurementID parentMeasurementID measurementType measurementValue measurementAccuracy "
    "measurementUnit measurementDeterminedBy measurementDeterminedDate measurementMethod "
    "measurementRemarks"
)

_NAMES: dict[str, frozenset[str]] = {
    EVENT: _set(_RECORD, _EVENT, _LOCATION) | _DUBLIN,
    OCCURRENCE: _set(_RECORD, _EVENT, _LOCATION, _OCCURRENCE, _IDENTIFICATION, _TAXON) | _DUBLIN,
    EMOF: _set(_MEASUREMENT, "occurrenceID eventID") | _OBIS,
}
REQUIRED: dict[str, tuple[str, ...]] = {
    EVENT: (
        *("eventID", "eventDate", "decimalLatitude", "decimalLongitude", "samplingProtocol"),
        *("sampleSizeValue", "sampleSizeUnit"),
    ),
    OCCURRENCE: (
        *("occurrenceID", "eventID", "basisOfRecord", "occurrenceStatus"),
        *("scientificName", "scientificNameID"),
    ),
    EMOF: ("measurementType", "measurementTypeID", "measurementValue"),
}
"""Columns that must be there, by row type."""
FILLED: dict[str, tuple[str, ...]] = {
    EVENT: ("eventID", "eventDate", "decimalLatitude", "decimalLongitude"),
    OCCURRENCE: REQUIRED[OCCURRENCE],
    EMOF: ("measurementType", "measurementValue"),
}
"""Columns that must hold something in every row: GBIF takes an event whose size is not known."""
WORDS: dict[str, frozenset[str]] = {
    "basisOfRecord": _set(
        "PreservedSpecimen FossilSpecimen LivingSpecimen MaterialSample MaterialEntity Event "
        "HumanObservation MachineObservation Taxon Occurrence MaterialCitation"
    ),
    "occurrenceStatus": _set("present absent"),
    "geodeticDatum": _set("WGS84 EPSG:4326"),
}
"""Terms with a vocabulary."""


def uri(name: str) -> str:
    """The term's full name."""
    if name in _DUBLIN:
        return f"{DCTERMS}{name}"
    return f"{OBIS}{name}" if name in _OBIS else f"{DWC}{name}"


def names(row_type: str) -> frozenset[str]:
    """Short names of the terms that rows of a type may have; empty for a type not known."""
    return _NAMES.get(row_type, frozenset())
